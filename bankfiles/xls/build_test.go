package xls_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf16"
)

// builder writes workbooks by the published layout, as far as the tests need it.
type builder struct {
	version uint16
	late    bool // days from 1904
	locked  bool
	formats map[uint16]string
	styles  []uint16 // the format of each XF
	shared  []byte   // body of SST behind its counts
	count   uint32
	cutAt   []int // where SST is continued; the builder adds the flag that a cut text needs
	sheets  [][]byte
	stream  string // name of the stream
}

func u16(n int) []byte    { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
func u32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func f64(x float64) []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))
}

func rec(kind int, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(u16(kind), u16(len(body))...), body...)
}

// wide and narrow are texts of two bytes and of one byte a character.
func wide(s string) []byte {
	units := utf16.Encode([]rune(s))
	out := append(u16(len(units)), 1)
	for _, u := range units {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func narrow(s string) []byte { return append(append(u16(len(s)), 0), s...) }

func cellAt(row, column, style int) []byte {
	return append(append(u16(row), u16(column)...), u16(style)...)
}

// text adds a shared text and returns its cell.
func (b *builder) text(row, column int, s string) []byte {
	return b.raw(row, column, wide(s))
}

func (b *builder) raw(row, column int, text []byte) []byte {
	b.shared = append(b.shared, text...)
	b.count++
	return rec(0x00FD, cellAt(row, column, 0), u32(b.count-1))
}

func number(row, column, style int, x float64) []byte {
	return rec(0x0203, cellAt(row, column, style), f64(x))
}

func bof(kind int) []byte {
	return rec(0x0809, u16(0x0600), u16(kind), u16(0x1DBB), u16(0x07CC), u32(0), u32(6))
}

// dimensions of a sheet, without which other programs lose its first cell.
var dimensions = rec(0x0200, u32(0), u32(10), u16(0), u16(10), u16(0))

func (b *builder) sheet(records ...[]byte) {
	b.sheets = append(b.sheets, bytes.Join([][]byte{bof(0x10), dimensions, bytes.Join(records, nil), rec(0x000A)}, nil))
}

// sst is the record of shared texts, cut where the test wants it.
func (b *builder) sst() []byte {
	body := append(append(u32(b.count), u32(b.count)...), b.shared...)
	var out []byte
	kind, from := 0x00FC, 0
	for _, cut := range append(b.cutAt, len(b.shared)) {
		out = append(out, rec(kind, body[from:cut+8])...)
		kind, from = 0x003C, cut+8
	}
	return out
}

func (b *builder) bytes() []byte {
	if b.version == 0 {
		b.version = 0x0600
	}
	globals := rec(0x0809, u16(int(b.version)), u16(0x0005), u16(0x1DBB), u16(0x07CC), u32(0), u32(6))
	if b.locked {
		globals = append(globals, rec(0x002F, u16(1), u16(1))...)
	}
	globals = append(globals, rec(0x0042, u16(1200))...)
	if b.late {
		globals = append(globals, rec(0x0022, u16(1))...)
	}
	for id, text := range b.formats {
		globals = append(globals, rec(0x041E, u16(int(id)), wide(text))...)
	}
	for _, id := range append([]uint16{0}, b.styles...) {
		globals = append(globals, rec(0x00E0, u16(0), u16(int(id)), make([]byte, 16))...)
	}
	tail := append(b.sst(), rec(0x000A)...)
	const bound = 4 + 4 + 2 + 1 + 1 + 2 // of a sheet with a name of two letters
	at := len(globals) + bound*len(b.sheets) + len(tail)
	for i, s := range b.sheets {
		globals = append(globals, rec(0x0085, u32(uint32(at)), u16(0), []byte{2, 0, 'S', byte('1' + i)})...)
		at += len(s)
	}
	all := append(append(globals, tail...), bytes.Join(b.sheets, nil)...)
	if b.stream == "" {
		b.stream = "Workbook"
	}
	return compound(b.stream, all)
}

// compound wraps one stream into the outer format: sectors of 512 bytes, the
// table of sectors first, then the directory, then the stream.
func compound(name string, stream []byte) []byte {
	const sector, free, end, table = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
	const smallest = 4096 // shorter streams live elsewhere
	stream = append(stream, make([]byte, max(0, smallest-len(stream)))...)
	size := len(stream)
	stream = append(stream, make([]byte, (sector-size%sector)%sector)...)
	data := len(stream) / sector
	tables := 1
	for tables*sector/4 < tables+1+data {
		tables++
	}
	head := make([]byte, sector)
	copy(head, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
	put := func(at int, values ...uint32) {
		for i, v := range values {
			binary.LittleEndian.PutUint32(head[at+4*i:], v)
		}
	}
	binary.LittleEndian.PutUint16(head[24:], 0x3E)
	binary.LittleEndian.PutUint16(head[26:], 3)
	binary.LittleEndian.PutUint16(head[28:], 0xFFFE)
	binary.LittleEndian.PutUint16(head[30:], 9)
	binary.LittleEndian.PutUint16(head[32:], 6)
	put(44, uint32(tables), uint32(tables), 0, smallest, end, 0, end, 0)
	for i := range 109 {
		if i < tables {
			put(76+4*i, uint32(i))
		} else {
			put(76+4*i, free)
		}
	}
	var fat []byte
	for range tables {
		fat = append(fat, u32(table)...)
	}
	fat = append(fat, u32(end)...)
	for i := range data {
		next := uint32(tables + 1 + i + 1)
		if i == data-1 {
			next = end
		}
		fat = append(fat, u32(next)...)
	}
	for len(fat) < tables*sector {
		fat = append(fat, u32(free)...)
	}
	root := entry("Root Entry", 5, end, 0)
	binary.LittleEndian.PutUint32(root[76:], 1) // its child
	directory := append(append(root, entry(name, 2, uint32(tables+1), size)...), make([]byte, 2*128)...)
	return bytes.Join([][]byte{head, fat, directory, stream}, nil)
}

func entry(name string, kind byte, start uint32, size int) []byte {
	out := make([]byte, 128)
	for i, c := range name {
		out[2*i] = byte(c)
	}
	binary.LittleEndian.PutUint16(out[64:], uint16(2*len(name)+2))
	out[66], out[67] = kind, 1
	for at := 68; at < 80; at += 4 {
		binary.LittleEndian.PutUint32(out[at:], 0xFFFFFFFF)
	}
	binary.LittleEndian.PutUint32(out[116:], start)
	binary.LittleEndian.PutUint32(out[120:], uint32(size))
	return out
}
