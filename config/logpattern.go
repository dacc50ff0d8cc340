package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a filter pattern: its characters, its regular expressions, and the
// wildcards among its selectors, of which each has one at most.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html
const (
	patternCharacters  = 1024
	patternExpressions = 2
	patternWildcards   = 3
)

// checkLogPattern returns an error unless CloudWatch Logs accepts a text as the
// filter pattern of a metric: terms, a condition on JSON in braces, or fields in
// brackets. It knows the grammar that AWS documents; where that is silent, it
// accepts the text.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func checkLogPattern(pattern string) error {
	if n := utf8.RuneCountInString(pattern); n > patternCharacters {
		return fmt.Errorf("it has %d characters of at most %d", n, patternCharacters)
	}
	p := &patternParser{rest: strings.TrimSpace(pattern)}
	var err error
	switch {
	case p.rest == "":
		return errors.New("it is empty, which is every line")
	case p.rest[0] == '{':
		err = p.json()
	case p.rest[0] == '[':
		err = p.fields()
	default:
		err = p.terms()
	}
	if err == nil && p.expressions > patternExpressions {
		err = fmt.Errorf("it has %d regular expressions of at most %d", p.expressions, patternExpressions)
	}
	if err == nil && p.wildcards > patternWildcards {
		err = fmt.Errorf("its selectors have %d wildcards of at most %d", p.wildcards, patternWildcards)
	}
	return err
}

// patternParser reads a pattern from its beginning.
type patternParser struct {
	rest string
	// expressions is how many regular expressions there were, wildcards how many of
	// selectors.
	expressions, wildcards int
}

// next skips spaces and takes a text, if it comes next.
func (p *patternParser) next(text string) bool {
	p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace)
	rest, found := strings.CutPrefix(p.rest, text)
	p.rest = rest
	return found
}

// nextOf takes the first of some texts that comes next.
func (p *patternParser) nextOf(texts ...string) bool {
	for _, text := range texts {
		if p.next(text) {
			return true
		}
	}
	return false
}

// word takes the characters that belong to a word, which may be none.
func (p *patternParser) word(belongs func(rune) bool) string {
	p.next("")
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !belongs(r) })
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

// unexpected is the error that something else has to come here.
func (p *patternParser) unexpected(want string) error {
	p.next("")
	if p.rest == "" {
		return fmt.Errorf("%s is missing at its end", want)
	}
	return fmt.Errorf("%s is missing before %.20q", want, p.rest)
}

// terms are words, texts in quotes and regular expressions. ? makes one of several
// enough, - excludes the lines that have it.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-unstructured-log-events.html
func (p *patternParser) terms() error {
	for p.rest != "" {
		p.nextOf("?", "-")
		taken, err := p.quotedOrExpression()
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		if p.word(isAlphanumeric) == "" {
			if p.rest == "" {
				return errors.New("a term is missing at its end")
			}
			return p.unquoted()
		}
		if p.rest != "" && !startsWith(p.rest, unicode.IsSpace) {
			return p.unquoted()
		}
		p.next("")
	}
	return nil
}

// unquoted is the error that the next character needs quotes.
func (p *patternParser) unquoted() error {
	r, _ := utf8.DecodeRuneInString(p.rest)
	return fmt.Errorf("a term with %q has to be in double quotes", r)
}

// isAlphanumeric reports whether a term may have a character without quotes.
func isAlphanumeric(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// quotedOrExpression takes a text in double quotes or a regular expression, if one
// comes next.
func (p *patternParser) quotedOrExpression() (taken bool, err error) {
	switch {
	case p.next(`"`):
		for i := 0; i < len(p.rest); i++ {
			switch p.rest[i] {
			case '\\':
				i++
			case '"':
				p.rest = p.rest[i+1:]
				return true, nil
			}
		}
		return false, errors.New("a double quote is not closed")
	case p.next("%"):
		expression, rest, closed := strings.Cut(p.rest, "%")
		if !closed {
			return false, errors.New("a regular expression is not closed with %")
		}
		p.rest = rest
		p.expressions++
		return true, checkExpression(expression)
	}
	return false, nil
}

// expressionSyntax has the characters of regular expressions in patterns.
var expressionSyntax = regexp.MustCompile(`^[A-Za-z0-9:_#=@/;,^$?[\]{}|\\*+.-]+$`)

// checkExpression returns an error unless patterns may have a regular expression.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html
func checkExpression(expression string) error {
	if !expressionSyntax.MatchString(expression) {
		return fmt.Errorf(`the regular expression %%%s%% may only have letters, digits and :_#=@/;,-^$?[]{}|\*+. `+
			`(a space is \s, a parenthesis \x28 or \x29)`, expression)
	}
	if _, err := regexp.Compile(expression); err != nil {
		return fmt.Errorf("the regular expression %%%s%% is invalid: %w", expression, err)
	}
	return nil
}

// json is a condition on JSON lines, in braces.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html
func (p *patternParser) json() error {
	p.next("{")
	if err := p.conditions(0, p.propertyCondition); err != nil {
		return err
	}
	if !p.next("}") {
		return p.unexpected("}")
	}
	if p.next(""); p.rest != "" {
		return fmt.Errorf("%.20q comes after its }", p.rest)
	}
	return nil
}

// nested is how deep parentheses may be.
const nested = 100

// conditions are joined with && and ||, with parentheses around any of them.
func (p *patternParser) conditions(depth int, condition func() error) error {
	for {
		if p.next("(") {
			if depth == nested {
				return fmt.Errorf("it has more than %d parentheses in each other", nested)
			}
			if err := p.conditions(depth+1, condition); err != nil {
				return err
			}
			if !p.next(")") {
				return p.unexpected(")")
			}
		} else if err := condition(); err != nil {
			return err
		}
		if !p.nextOf("&&", "||") {
			return nil
		}
	}
}

// propertyCondition is a property with what it has to be.
func (p *patternParser) propertyCondition() error {
	if err := p.property(); err != nil {
		return err
	}
	keyword := strings.ToUpper(p.word(unicode.IsLetter))
	if keyword == "" {
		return p.comparison()
	}
	switch keyword + " " + strings.ToUpper(p.word(unicode.IsLetter)) {
	case "IS NULL", "IS TRUE", "IS FALSE", "NOT EXISTS":
		return nil
	}
	return fmt.Errorf("%s begins none of IS NULL, IS TRUE, IS FALSE and NOT EXISTS", keyword)
}

// comparison is an operator and a value.
func (p *patternParser) comparison() error {
	if !p.nextOf("!=", ">=", "<=", "=", ">", "<") {
		return p.unexpected("one of =, !=, >, <, >=, <=")
	}
	return p.value()
}

// value is what something is compared with: a number, a text, which may have the
// wildcard *, or a regular expression.
func (p *patternParser) value() error {
	p.next("!") // AWS has examples with =!
	taken, err := p.quotedOrExpression()
	if taken || err != nil {
		return err
	}
	if p.word(isUnquoted) == "" {
		return p.unexpected("a value, in double quotes unless it is of letters, digits and *,")
	}
	return nil
}

// isUnquoted reports whether a value may have a character without quotes. AWS
// excludes "unicode and other characters such as @, $ and \"; its examples have
// . * + - in them. What the syntax itself is made of cannot be in one.
func isUnquoted(r rune) bool {
	return r < utf8.RuneSelf && !unicode.IsSpace(r) && !unicode.IsControl(r) && !strings.ContainsRune(`"'%@$\(){}[]&|=<>!,`+"`", r)
}

// property is a selector of a property such as $.users[0].id.
func (p *patternParser) property() error {
	if !p.next("$") {
		return p.unexpected("a property such as $.level")
	}
	selector := p.rest
	for {
		switch {
		case strings.HasPrefix(p.rest, "."):
			p.rest = p.rest[1:]
			if !startsWith(p.rest, isKey) || p.word(isKey) == "" {
				return p.unexpected("a property's name of letters, digits, - and _")
			}
		case strings.HasPrefix(p.rest, "["):
			index, rest, closed := strings.Cut(p.rest[1:], "]")
			if !closed || !indexSyntax.MatchString(index) {
				return p.unexpected("an element such as [0] or [*]")
			}
			p.rest = rest
		default:
			selector = selector[:len(selector)-len(p.rest)]
			wildcards := strings.Count(selector, "*")
			p.wildcards += wildcards
			if wildcards > 1 {
				return fmt.Errorf("$%s has %d wildcards of at most one", selector, wildcards)
			}
			return nil
		}
	}
}

// indexSyntax is what brackets of a selector hold: an index, the wildcard, or a
// property's name in quotes.
var indexSyntax = regexp.MustCompile(`^([0-9]+|\*|"[^"]+"|'[^']+')$`)

func isKey(r rune) bool { return isAlphanumeric(r) || r == '-' || r == '*' }

func startsWith(text string, belongs func(rune) bool) bool {
	r, size := utf8.DecodeRuneInString(text)
	return size > 0 && belongs(r)
}

// fields are the fields of lines with spaces between them, in brackets: names,
// each perhaps with conditions, and ... for any number of others.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-space-delimited-log-events.html
func (p *patternParser) fields() error {
	p.next("[")
	if p.next("]") {
		return errors.New("it has no field between [ and ]")
	}
	for {
		if err := p.field(); err != nil {
			return err
		}
		if p.next(",") {
			continue
		}
		if !p.next("]") {
			return p.unexpected(", or ]")
		}
		if p.next(""); p.rest != "" {
			return fmt.Errorf("%.20q comes after its ]", p.rest)
		}
		return nil
	}
}

func (p *patternParser) field() error {
	if p.next(""); p.rest == "" || strings.ContainsRune(",]", rune(p.rest[0])) {
		return nil // AWS has an example of a field without a name
	}
	if taken, err := p.quotedOrExpression(); taken || err != nil {
		return err
	}
	mark := p.rest
	p.word(isFieldName)
	if p.next(""); p.rest == "" || strings.ContainsRune(",]", rune(p.rest[0])) {
		return nil // a name alone
	}
	p.rest = mark
	return p.conditions(0, func() error {
		p.word(isFieldName) // may be none
		return p.comparison()
	})
}

// isFieldName reports whether a field's name, or the ... for any number of fields, may
// have a character.
func isFieldName(r rune) bool { return isAlphanumeric(r) || strings.ContainsRune("-.$*@/:", r) }
