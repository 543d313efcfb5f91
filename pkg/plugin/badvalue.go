package plugin

import (
	"errors"
	"slices"
	"strconv"

	"github.com/spf13/pflag"
)

// badValue says of a flag's value that its kind cannot be: which flag, what was given, and what to write. It is the one place
// for all flags, so that what Go's own parsers say of a word is shown to nobody.
func badValue(invalid *pflag.InvalidValueError) error {
	flag, value := invalid.GetFlag(), invalid.GetValue()
	name := dashed(flag)
	given := name + " " + strconv.Quote(value)
	switch kind := flag.Value.Type(); kind {
	case "duration":
		return wrongDuration(name, value)
	case "int":
		if errors.Is(invalid, strconv.ErrRange) {
			return usagef("%s is a number far too large: write a whole number, e.g. %s 3", given, name)
		}
		return usagef("%s is not a whole number: write it in digits, e.g. %s 3", given, name)
	case "float64":
		if errors.Is(invalid, strconv.ErrRange) {
			return usagef("%s is a number far too large: write a number, e.g. %s 2.5", given, name)
		}
		return usagef("%s is not a number: write it in digits, with a point if need be, e.g. %s 2.5", given, name)
	case "bool":
		return usagef("%s is neither true nor false: write %s, or %s=false", given, name, name)
	case "stringSlice":
		return usagef("%s is not a list: write names with commas between them, without quotation marks, e.g. %s one,two", given, name)
	default:
		return usagef("%s is no value of this flag (%s)", given, kind)
	}
}

// refuseNoName refuses a flag that was given and names nothing, as a script writes it whose variable is empty: to be without the
// flag means everything, which is not what was chosen.
func refuseNoName(flags *pflag.FlagSet, name string) error {
	flag := flags.Lookup(name)
	if !flag.Changed {
		return nil
	}
	names := []string{flag.Value.String()}
	if several, ok := flag.Value.(pflag.SliceValue); ok {
		names = several.GetSlice()
	}
	if len(names) == 0 || slices.Contains(names, "") {
		return usagef("--%s is given without a name, or with an empty one among others: write the name, or leave the flag out", name)
	}
	return nil
}

// wrongDuration is the usage error for a value of a flag, which is written as the user did, that is no duration.
func wrongDuration(name, value string) error {
	example := "30s"
	if plainNumber(value) { // what was meant lacks only its unit
		example = value + "s"
	}
	return usagef("%s %q is not a duration: write a number and its unit (ms, s, m or h), e.g. %s %s or %s 1m30s", name, value, name, example, name)
}

// dashed is a flag as it is written on a command line.
func dashed(flag *pflag.Flag) string {
	if len(flag.Name) == 1 {
		return "-" + flag.Name
	}
	return "--" + flag.Name
}

// plainNumber tells whether a value is a whole number of seconds, say, above 0 and of a size that somebody may have meant.
func plainNumber(value string) bool {
	n, err := strconv.ParseUint(value, 10, 16)
	return err == nil && n > 0
}
