package statements

import "github.com/xuri/excelize/v2"

// look is how a cell looks.
type look int

// The looks of cells.
const (
	lookText     look = iota
	lookWrap          // text of several lines
	lookCentre        // short codes and states
	lookTitle         // title of a sheet
	lookSubtitle      // the line below it
	lookSection       // heading of a table within a sheet
	lookHead          // header row
	lookAmount
	lookFlow   // amount of a column that is empty on the other side: zero is not shown
	lookNumber // whole number
	lookDate
	lookLink      // text that leads to another sheet
	lookLabel     // name of a value on the cover
	lookStrong    // text of a line that is no total
	lookTotalText // text of a total's row
	lookTotal     // total of amounts
	lookGrand     // total at the end: double line below
	lookGood      // a check that holds
	lookBad       // a check that does not
	lookNote      // small print
	lookHash      // digests
	lookSign      // line to sign on
	lookEnd       // how many there are
)

const (
	amountFormat = `#,##0.00_);[Red]-#,##0.00_)`
	flowFormat   = `#,##0.00_);[Red]-#,##0.00_);`
	countFormat  = `#,##0_)`
	dateFormat   = `yyyy-mm-dd`
	fontName     = "Microsoft YaHei" // readers without it take their own Chinese font
	monospace    = "Consolas"
	inkColour    = "1F3864"
	lineColour   = "A6A6A6"
	headColour   = "DCE6F1"
	totalColour  = "F2F2F2"
)

// style translates a look for excelize.
func (l look) style() *excelize.Style {
	s := &excelize.Style{
		Font:      &excelize.Font{Family: fontName, Size: 10},
		Alignment: &excelize.Alignment{Vertical: "center"},
		Border:    box(1),
	}
	switch l {
	case lookText, lookWrap, lookLink, lookLabel, lookTotalText, lookStrong, lookHash:
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	}
	switch l {
	case lookTitle:
		s.Font.Size, s.Font.Bold, s.Font.Color = 16, true, inkColour
		s.Alignment.Horizontal, s.Border = "center", nil
	case lookSubtitle:
		s.Font.Size, s.Font.Color = 9, "595959"
		s.Alignment.Horizontal, s.Border = "center", nil
	case lookSection:
		s.Font.Size, s.Font.Bold, s.Font.Color = 11, true, inkColour
		s.Border = []excelize.Border{{Type: "bottom", Style: 2, Color: inkColour}}
	case lookNote:
		s.Font.Size, s.Font.Color, s.Border = 9, "595959", nil
		s.Alignment.WrapText, s.Alignment.Vertical = true, "top"
	case lookSign:
		s.Font.Size, s.Border = 11, nil
	case lookHead:
		s.Font.Bold, s.Font.Color = true, inkColour
		s.Fill, s.Alignment.Horizontal, s.Alignment.WrapText = fill(headColour), "center", true
	case lookLabel:
		s.Font.Bold, s.Fill = true, fill(totalColour)
	case lookStrong:
		s.Font.Bold = true
	case lookWrap:
		s.Alignment.WrapText = true
	case lookCentre:
		s.Alignment.Horizontal = "center"
	case lookLink:
		s.Font.Color, s.Font.Underline = "0563C1", "single"
	case lookGood:
		s.Font.Color, s.Alignment.Horizontal = "00703C", "center"
	case lookBad:
		s.Font.Color, s.Font.Bold, s.Alignment.Horizontal = "C00000", true, "center"
	case lookHash:
		s.Font.Family, s.Font.Size, s.Alignment.WrapText = monospace, 8, true
	}
	return numbers(l, s)
}

// numbers adds what cells with figures and total rows have.
func numbers(l look, s *excelize.Style) *excelize.Style {
	format := ""
	switch l {
	case lookAmount, lookTotal, lookGrand:
		format = amountFormat
	case lookFlow:
		format = flowFormat
	case lookNumber:
		format = countFormat
	case lookDate:
		format = dateFormat
		s.Alignment.Horizontal = "center"
	}
	if format != "" {
		s.CustomNumFmt = &format
	}
	switch l {
	case lookTotalText, lookTotal:
		s.Font.Bold, s.Fill = true, fill(totalColour)
	case lookGrand:
		s.Font.Bold, s.Fill = true, fill(totalColour)
		s.Border[3] = excelize.Border{Type: "bottom", Style: 6, Color: "000000"}
	}
	return s
}

// box is a thin line on all four sides.
func box(style int) []excelize.Border {
	var lines []excelize.Border
	for _, side := range []string{"left", "right", "top", "bottom"} {
		lines = append(lines, excelize.Border{Type: side, Style: style, Color: lineColour})
	}
	return lines
}

func fill(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}
