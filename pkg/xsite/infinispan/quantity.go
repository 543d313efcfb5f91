package infinispan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// count is a whole number that the server writes as a number or as a string.
type count int64

// UnmarshalJSON reads 16 and "16".
func (c *count) UnmarshalJSON(raw []byte) error {
	n, err := strconv.ParseInt(scalar(raw), 10, 64)
	if err != nil {
		return errors.New("not a whole number")
	}
	*c = count(n)
	return nil
}

// wireBool is a truth value that the server writes as such or as a string.
type wireBool bool

// UnmarshalJSON reads true, false, "true" and "false".
func (b *wireBool) UnmarshalJSON(raw []byte) error {
	switch scalar(raw) {
	case "true":
		*b = true
	case "false":
		*b = false
	default:
		return errors.New("neither true nor false")
	}
	return nil
}

// timeQuantity is a duration that the server writes as milliseconds, as a string of them, or with a unit.
type timeQuantity struct {
	time.Duration
}

// UnmarshalJSON reads 4500, "4500", "4.5s", "1m".
func (q *timeQuantity) UnmarshalJSON(raw []byte) error {
	d, err := parseTime(scalar(raw))
	if err != nil {
		return err
	}
	q.Duration = d
	return nil
}

// parseTime reads a time quantity. Without a unit it is in milliseconds. Negative ones, which Infinispan uses for
// "never" elsewhere, make no sense where this package reads them.
func parseTime(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	number, unit := text, time.Millisecond
	for _, u := range []struct {
		suffix string
		unit   time.Duration
	}{
		{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour},
	} {
		if rest, ok := strings.CutSuffix(strings.ToLower(text), u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.unit
			break
		}
	}
	if strings.Trim(number, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is not a time", text)
	}
	value, err := strconv.ParseFloat(number, 64)
	nanos := value * float64(unit)
	if err != nil || nanos >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a time", text)
	}
	return time.Duration(math.Round(nanos)), nil
}

// scalar gives the text of a JSON string, and any other JSON value as it is written.
func scalar(raw []byte) string {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil && len(raw) > 0 && raw[0] == '"' {
		return text
	}
	return string(raw)
}

func isObject(raw json.RawMessage) bool {
	return strings.HasPrefix(strings.TrimSpace(string(raw)), "{")
}

func isArray(raw json.RawMessage) bool {
	return strings.HasPrefix(strings.TrimSpace(string(raw)), "[")
}

// quiet keeps the values of a configuration, which may be passwords, out of an error of package json.
func quiet(err error) error {
	if typeErr, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("member %q has the wrong type", typeErr.Field)
	}
	return err
}
