package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Differences tells in what a simulated answer is not like the recorded one: in its status, its content type, the shape
// of its JSON, a word that has a meaning, or the text of a refusal without its numbers.
func Differences(recorded, simulated Exchange) []string {
	var found []string
	differ := func(what string, want, got any) {
		if fmt.Sprint(want) != fmt.Sprint(got) {
			found = append(found, fmt.Sprintf("%s: recorded %v, simulated %v", what, want, got))
		}
	}
	want, got := recorded.Answer, simulated.Answer
	differ("request", recorded.Name(), simulated.Name())
	if varies := simulated.Varies != ""; !varies {
		differ("dropped", want.Dropped, got.Dropped)
		differ("silent", want.Silent, got.Silent)
	}
	differ("answered", !want.Dropped && !want.Silent, !got.Dropped && !got.Silent)
	differ("status", want.Status, got.Status)
	differ("challenges", want.Challenges, got.Challenges)
	if want.Body != "" && got.Body != "" {
		differ("content type", mediaType(want.ContentType), mediaType(got.ContentType))
	}
	if len(found) > 0 {
		return []string{fmt.Sprintf("%s\n  recorded  %.300s\n  simulated %.300s", strings.Join(found, "; "), want.Body, got.Body)}
	}
	if simulated.Varies != "" {
		return found
	}
	return append(found, bodies(want.Body, got.Body)...)
}

// mediaType drops the parameters.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(kind)
}

// bodies compares two bodies: as JSON where the recorded one is JSON, as text otherwise.
func bodies(want, got string) []string {
	var w, g any
	if json.Unmarshal([]byte(want), &w) != nil {
		if a, b := withoutNumbers(want), withoutNumbers(got); a != b {
			return []string{fmt.Sprintf("text: recorded %q, simulated %q", want, got)}
		}
		return nil
	}
	if json.Unmarshal([]byte(got), &g) != nil {
		return []string{fmt.Sprintf("recorded JSON %s, simulated %q", want, got)}
	}
	return shapes("", w, g)
}

var digits = regexp.MustCompile(`\d+`)

// withoutNumbers keeps the ids of messages and replaces all other numbers.
func withoutNumbers(text string) string {
	ids := regexp.MustCompile(`ISPN\d+`).FindAllString(text, -1)
	text = digits.ReplaceAllString(strings.TrimSpace(text), "N")
	return strings.Join(ids, ",") + " " + text
}

// shapes compares keys and types, and the words among the values.
func shapes(at string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: recorded an object, simulated %v", at, got)}
		}
		return objects(at, w, g)
	case []any:
		g, ok := got.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s: recorded a list, simulated %v", at, got)}
		}
		return lists(at, w, g)
	case string:
		g, ok := got.(string)
		if !ok {
			return []string{fmt.Sprintf("%s: recorded %q, simulated %v", at, w, got)}
		}
		if (word(w) || word(g)) && w != g {
			return []string{fmt.Sprintf("%s: recorded %q, simulated %q", at, w, g)}
		}
		return nil
	}
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
		return []string{fmt.Sprintf("%s: recorded %v, simulated %v", at, want, got)}
	}
	if b, is := want.(bool); is && b != got {
		return []string{fmt.Sprintf("%s: recorded %v, simulated %v", at, want, got)}
	}
	return nil
}

func objects(at string, want, got map[string]any) []string {
	var found []string
	w, g := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))
	if !slices.Equal(w, g) {
		found = append(found, fmt.Sprintf("%s: recorded keys %v, simulated %v", at, w, g))
	}
	for _, key := range w {
		if value, there := got[key]; there {
			found = append(found, shapes(at+"."+key, want[key], value)...)
		}
	}
	return found
}

// lists of texts must hold the same; of lists of objects, the first of each must be alike.
func lists(at string, want, got []any) []string {
	if (len(want) == 0) != (len(got) == 0) {
		return []string{fmt.Sprintf("%s: recorded %d elements, simulated %d", at, len(want), len(got))}
	}
	if len(want) == 0 {
		return nil
	}
	if at == ".cache_configuration_names" {
		return nil // templates of the server, which nobody asks for
	}
	if _, texts := want[0].(string); texts {
		w, g := sortedTexts(want), sortedTexts(got)
		if !slices.Equal(w, g) {
			return []string{fmt.Sprintf("%s: recorded %v, simulated %v", at, w, g)}
		}
		return nil
	}
	return shapes(at+"[]", want[0], got[0])
}

func sortedTexts(list []any) []string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	slices.Sort(texts)
	return texts
}

// word tells the values that somebody decides by.
func word(value string) bool {
	switch value {
	case "online", "offline", "mixed", "failed", "ok", "default",
		"IDLE", "SENDING", "OK", "ERROR", "CANCELED", "MANUAL", "AUTO", "SYNC", "ASYNC", "FAIL", "WARN", "IGNORE",
		"HEALTHY", "HEALTHY_REBALANCING", "DEGRADED", "INITIALIZING", "FAILED", "RUNNING":
		return true
	}
	return false
}
