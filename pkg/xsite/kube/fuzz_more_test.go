package kube

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// FuzzTokens: no token makes a panic, only a JWT has an end, and the end is the one it says.
func FuzzTokens(f *testing.F) {
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for _, token := range []string{
		jwt(`{"exp":1893456000}`), jwt(`{"exp":1.8e9}`), jwt(`{"exp":"soon"}`), jwt(`{"exp":-1}`), jwt(`{"exp":1e300}`), jwt(`[]`),
		"", "..", "sha256~opaque", "a.b.c", "e30.e30=.x",
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if ends := endOfToken(token); ends != 0 && strings.Count(token, ".") != 2 {
			t.Errorf("%q, which is no JWT, ends at %d", token, ends)
		}
	})
}

// FuzzEndOfToken: what a token says of its end is what is read.
func FuzzEndOfToken(f *testing.F) {
	for _, seconds := range []int64{0, 1, 1893456000, 1 << 40, -5} {
		f.Add(seconds, "system:serviceaccount:a:b")
	}
	f.Fuzz(func(t *testing.T, seconds int64, subject string) {
		if seconds < -1<<53 || seconds > 1<<53 {
			return // no number that JSON keeps
		}
		claims, err := json.Marshal(map[string]any{"sub": subject, "exp": seconds})
		if err != nil {
			t.Fatal(err)
		}
		for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding} {
			if got := endOfToken("e30." + encoding.EncodeToString(claims) + ".c2ln"); got != seconds {
				t.Errorf("a token that ends at %d is read as %d", seconds, got)
			}
		}
	})
}

// FuzzManagedFields gives an object any account of who wrote it: each writer is found by name, and one whose fields cannot be
// read does not own the count.
func FuzzManagedFields(f *testing.F) {
	f.Add("helm", "Update", `{"f:spec":{"f:instances":{}}}`)
	f.Add("kubectl", "Apply", `{"f:spec":{"f:other":{}}}`)
	f.Add("keda-operator", "Update", `{"f:spec":7}`)
	f.Add("argocd-controller", "", `{"f:spec":null}`)
	f.Add("", "Update", `[]`)
	f.Fuzz(func(t *testing.T, manager, operation, fields string) {
		var owned any
		if json.Unmarshal([]byte(fields), &owned) != nil {
			return
		}
		text, err := json.Marshal(map[string]any{"manager": manager, "operation": operation, "fieldsV1": owned})
		if err != nil {
			t.Fatal(err)
		}
		o := &unstructured.Unstructured{}
		if err := json.Unmarshal(fmt.Appendf(nil, `{"metadata":{"managedFields":[%s]}}`, text), &o.Object); err != nil {
			t.Fatal(err)
		}
		found := appliersOf(o, "instances")
		if owned != nil && len(found) != 1 {
			t.Errorf("%d writers were found in %s", len(found), text)
		}
		all, _ := owned.(map[string]any)
		spec, _ := all["f:spec"].(map[string]any)
		_, counts := spec["f:instances"]
		for _, a := range found {
			if a.counts && !counts {
				t.Errorf("%q owns the count by %s", a.name, fields)
			}
		}
		if hands := found.byHand(); len(hands) > 0 && (!counts || !slices.Contains(hands, found[0].name)) {
			t.Errorf("%v set the count by %s", hands, fields)
		}
	})
}
