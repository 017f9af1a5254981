package container

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"

	"custody/internal/fault"
)

// maxBook is how large a workbook may be in its container: the limit of a
// workbook that comes by itself, 1,048,576 rows of 60 packed bytes.
const maxBook = 64 << 20

// contentTypes is the part that every workbook (.xlsx) has, and no other zip.
const contentTypes = "[Content_Types].xml"

// workbook gives an entry that is a zip itself, where it is a workbook. The
// limits are the same over both levels: what its parts really unpack to counts
// as if they lay in the container, so that two harmless ratios do not multiply
// to a bomb. It returns container.nested for any other zip, and container.total,
// container.ratio, container.entries and container.damaged.
func (e Entry) workbook(src io.Reader) (io.ReadCloser, error) {
	raw, err := io.ReadAll(io.LimitReader(src, maxBook+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxBook {
		return nil, e.fault("container.total", maxBook>>20)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, e.fault("container.nested")
	}
	isBook := false
	for _, part := range z.File {
		isBook = isBook || part.Name == contentTypes
	}
	switch {
	case !isBook:
		return nil, e.fault("container.nested")
	case len(z.File) > maxParts:
		return nil, e.fault("container.entries", maxParts)
	}
	unpacked := int64(0)
	for _, part := range z.File {
		if err := e.unpack(part, &unpacked); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(raw)), nil
}

// maxParts of a workbook: 300 sheets with their relations and drawings are 900.
const maxParts = 1000

// unpack counts what a part really holds; the directory may lie.
func (e Entry) unpack(part *zip.File, unpacked *int64) error {
	src, err := part.Open()
	if err != nil {
		return e.fault("container.damaged").Because(err)
	}
	// What the container packed is the base of the ratio, as of any other entry.
	limit := min(int64(MaxTotal), max(int64(ratioFrom), int64(e.file.CompressedSize64)*MaxRatio))
	n, err := io.Copy(io.Discard, io.LimitReader(src, limit-*unpacked+1))
	*unpacked += n
	var bad *fault.Fault
	switch {
	case *unpacked > MaxTotal:
		bad = e.fault("container.total", MaxTotal>>20)
	case *unpacked > limit:
		bad = e.fault("container.ratio", MaxRatio)
	case err != nil:
		bad = e.fault("container.damaged").Because(err)
	default:
		return src.Close()
	}
	return errors.Join(bad, src.Close())
}
