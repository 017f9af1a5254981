package subaccounts

// besideRows is how many rows are handed over at a time, and besideSets how
// many such sets there are: the one that is read, the one that is worked on,
// and one between them.
const (
	besideRows = 1024
	besideSets = 3
)

// beside calls consume, on the second core, for every row that produce makes,
// in their order: reading rows and hashing them take about as long. produce
// fills what next returns; a row that it fails on is not handed over. A row
// belongs to consume until it returns, and its memory is used again afterwards.
func beside[T any](consume func(*T), produce func(next func() *T) error) error {
	free, full := make(chan []T, besideSets), make(chan []T, besideSets)
	for range besideSets {
		free <- make([]T, 0, besideRows)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for set := range full {
			for i := range set {
				consume(&set[i])
			}
			free <- set[:0]
		}
	}()
	set := <-free
	err := produce(func() *T {
		if len(set) == cap(set) {
			full <- set
			set = <-free
		}
		set = set[:len(set)+1]
		return &set[len(set)-1]
	})
	if err != nil && len(set) > 0 && stopped(err) != nil {
		set = set[:len(set)-1]
	}
	full <- set
	close(full)
	<-done
	return err
}
