package e2e

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// secretForms are the forms in which a password would be one still, by what to call them.
func secretForms(user, password string) map[string]string {
	forms := map[string]string{
		"as it is":        password,
		"in hexadecimals": hex.EncodeToString([]byte(password)),
	}
	// In base64 a text looks different for each of the three places at which it can begin.
	for before, cut := range []int{0, 2, 3} {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("-", before) + password))
		forms[fmt.Sprintf("in base64, %d bytes in", before)] = encoded[cut : len(encoded)-2] // the last character also says what follows
	}
	// Who has this needs no password: it answers every challenge of the realm.
	for _, realm := range []string{"default", "admin"} {
		text := []byte(user + ":" + realm + ":" + password)
		old, sum := md5.Sum(text), sha256.Sum256(text)
		forms["as the digest of realm "+realm+" by MD5"] = hex.EncodeToString(old[:])
		forms["as the digest of realm "+realm+" by SHA-256"] = hex.EncodeToString(sum[:])
	}
	return forms
}

// surface is everything that a run shows or leaves, as texts by where they were found.
type surface map[string]string

// outcome adds what the plugin said.
func (s surface) outcome(o outcome) {
	s["standard output"] = o.stdout
	s["standard error"] = o.stderr
}

// process adds the arguments and the environment of a process and of those that it started.
func (s surface) process(pid int) {
	for id := range descendants(pid) {
		for _, file := range []string{"cmdline", "environ"} {
			// One that has ended meanwhile has nothing to show any more.
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", id, file)); err == nil {
				s[fmt.Sprintf("%s of process %d", file, id)] = string(text)
			}
		}
	}
}

// descendants are a process and those that it started, and so on.
func descendants(pid int) map[int]bool {
	family := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
		for _, stat := range stats {
			text, err := os.ReadFile(stat)
			if err != nil {
				continue
			}
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat))) // digits only
			// The name in brackets may hold anything; after it come the state and the parent.
			after := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
			if parent, err := strconv.Atoi(after[1]); err == nil && family[parent] && !family[id] {
				family[id], grown = true, true
			}
		}
	}
	return family
}

// files adds every file below a folder.
func (s surface) files(t *testing.T, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		s["file "+path] = string(text)
		return err
	}))
}

// clusters adds every object of the namespace in both clusters, whatever its kind, but Secrets: ConfigMaps, Leases, Events,
// annotations of custom resources.
func (s surface) clusters(t *testing.T) {
	t.Helper()
	for _, site := range pair.Sites() {
		lists, err := site.Kube().Discovery().ServerPreferredNamespacedResources()
		must(t, err)
		for _, list := range lists {
			group, err := schema.ParseGroupVersion(list.GroupVersion)
			must(t, err)
			for _, resource := range list.APIResources {
				if resource.Name != "secrets" && strings.Contains(" "+strings.Join(resource.Verbs, " ")+" ", " list ") {
					s.objects(t, site, group.WithResource(resource.Name))
				}
			}
		}
	}
}

// objects adds the objects of one kind.
func (s surface) objects(t *testing.T, site *sites.Site, kind schema.GroupVersionResource) {
	t.Helper()
	found, err := site.Dynamic().Resource(kind).Namespace(sites.Namespace).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, object := range found.Items {
		text, err := json.Marshal(object.Object)
		must(t, err)
		s[strings.Join([]string{site.Name, kind.Resource, object.GetName()}, " ")] = string(text)
	}
}

// leaks lists where which form of the secrets is.
func (s surface) leaks(forms ...map[string]string) []string {
	var found []string
	for where, text := range s {
		for _, all := range forms {
			for form, secret := range all {
				if strings.Contains(text, secret) {
					found = append(found, "in "+where+", "+form)
				}
			}
		}
	}
	return found
}
