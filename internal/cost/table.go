package cost

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Sums returns a Markdown table of the components, the environments side by side.
func Sums(bills []*Bill) string {
	all := map[string]float64{}
	header, rule := "| Component |", "| --- |"
	var columns []map[string]float64
	for _, bill := range bills {
		_, sums := bill.Components()
		columns = append(columns, sums)
		for name, usd := range sums {
			all[name] = max(all[name], usd)
		}
		header += " " + bill.Environment + " |"
		rule += " ---: |"
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if all[a] != all[b] {
			return int(1000 * (all[b] - all[a]))
		}
		return strings.Compare(a, b)
	})
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s\n", header, rule)
	for _, name := range names {
		fmt.Fprintf(&text, "| %s |", name)
		for _, column := range columns {
			fmt.Fprintf(&text, " %s |", dollars(column[name]))
		}
		text.WriteByte('\n')
	}
	text.WriteString("| **A month, USD** |")
	for _, bill := range bills {
		fmt.Fprintf(&text, " **%s** |", dollars(bill.Sum()))
	}
	text.WriteString("\n| Free tier, once an account |")
	for _, bill := range bills {
		fmt.Fprintf(&text, " %s |", dollars(sum(bill.Free)))
	}
	text.WriteByte('\n')
	return text.String()
}

// Details returns a Markdown table of a bill's lines.
func (b *Bill) Details() string {
	var text strings.Builder
	text.WriteString("| Component | Resource | What | Quantity | Price | Sum |\n| --- | --- | --- | ---: | ---: | ---: |\n")
	for _, line := range slices.Concat(b.Lines, b.Free) {
		resource := ""
		if line.Resource != "" {
			resource = "`" + line.Resource + "`"
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s %s | %s | %s |\n", line.Component, resource, line.Basis,
			number3(line.Quantity), line.Unit, trim(line.USD), dollars(line.Sum))
	}
	return text.String()
}

// Assumptions returns the usage that a bill was made with.
func (u Usage) Assumptions() string {
	return fmt.Sprintf("%s requests a month with %g KB each to browsers and %g KB to the logs; %g GB of database logs; %g GB of images a "+
		"repository; where they are on, %g GB of flow logs, %g GB in a bucket, %g GB through NAT, %g runs of a pipeline with builds of %g "+
		"minutes and %g minutes of actions",
		grouped(u.Requests), u.ResponseKB, u.LogKB, u.DatabaseLogGB, u.ImageGB, u.FlowLogGB, u.BucketGB, u.NATGB, u.Builds,
		u.BuildMinutes, u.ActionMinutes)
}

func dollars(usd float64) string {
	if usd == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", usd)
}

func number3(n float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", n), "0"), ".")
}

func trim(usd float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.6f", usd), "0"), ".")
}

// grouped returns a whole number with commas.
func grouped(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
