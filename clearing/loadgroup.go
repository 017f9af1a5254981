package clearing

// loadGroup collects the rows of a file and writes them group by group while
// the file is read on: parsing and inserting take about as long, and there are
// two cores. At most one group is being written.
type loadGroup[T any] struct {
	write   func(rows []T, last bool) error
	rows    []T
	spare   []T
	writing chan error // nil while nothing is
}

// add takes a row; its error is that of a group before.
func (g *loadGroup[T]) add(row T) error {
	if g.rows = append(g.rows, row); len(g.rows) < groupRows {
		return nil
	}
	if err := g.wait(); err != nil {
		return err
	}
	full := g.rows
	g.rows, g.spare = g.spare[:0], full
	g.writing = make(chan error, 1)
	go func(done chan<- error) { done <- g.write(full, false) }(g.writing)
	return nil
}

// wait waits for the group that is being written. Who gives the file up calls
// it too, so that nothing is written afterwards.
func (g *loadGroup[T]) wait() error {
	if g.writing == nil {
		return nil
	}
	err := <-g.writing
	g.writing = nil
	return err
}

// finish writes the last group, which may be empty.
func (g *loadGroup[T]) finish() error {
	if err := g.wait(); err != nil {
		return err
	}
	return g.write(g.rows, true)
}
