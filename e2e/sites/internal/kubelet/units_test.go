package kubelet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

type fixedPorts struct {
	idleWorkload

	ports map[int32]int
}

func (w *fixedPorts) HostPort(port int32) (int, bool) { host, ok := w.ports[port]; return host, ok }

func TestExecMeansThePodsOwnPortsOnlyWhereItCanMeanNothingElse(t *testing.T) {
	e := executor{workload: &fixedPorts{ports: map[int32]int{11222: 31001, 11223: 31002}}}
	for in, want := range map[string]string{
		"exec 3<>/dev/tcp/127.0.0.1/11222":  "exec 3<>/dev/tcp/127.0.0.1/31001",
		"exec 3<>/dev/tcp/localhost/11223;": "exec 3<>/dev/tcp/localhost/31002;",
		"http://127.0.0.1:11223/rest/v2":    "http://127.0.0.1:31002/rest/v2",
		"http://localhost:11222":            "http://localhost:31001",
		"11222":                             "31001",
		"/dev/tcp/127.0.0.1/112223":         "/dev/tcp/127.0.0.1/112223",
		"/dev/tcp/10.0.0.1/11222":           "/dev/tcp/10.0.0.1/11222",
		"127.0.0.1:7800":                    "127.0.0.1:7800",
		"id-11222":                          "id-11222",
	} {
		args, _ := e.localise([]string{in})
		if diff := cmp.Diff([]string{want}, args); diff != "" {
			t.Errorf("%s (-want +got)\n%s", in, diff)
		}
	}
	_, env := e.localise(nil)
	if diff := cmp.Diff([]string{"ISPN_PORT_11222=31001", "ISPN_PORT_11223=31002"}, env); diff != "" {
		t.Errorf("environment (-want +got)\n%s", diff)
	}
}

func TestTailBeginsAtTheLastLines(t *testing.T) {
	for _, c := range []struct {
		data  string
		lines int
		want  string
	}{
		{"a\nb\nc\n", 0, ""},
		{"a\nb\nc\n", 1, "c\n"},
		{"a\nb\nc", 2, "b\nc"},
		{"a\nb\nc\n", 3, "a\nb\nc\n"},
		{"a\nb\nc\n", 9, "a\nb\nc\n"},
		{"", 2, ""},
		{"\n\n", 1, "\n"},
	} {
		if got := c.data[tailOffset([]byte(c.data), c.lines):]; got != c.want {
			t.Errorf("last %d lines of %q: %q, want %q", c.lines, c.data, got, c.want)
		}
	}
}

func TestAPodThatNobodyCanRunIsSaidByItsLabel(t *testing.T) {
	pod := &corev1.Pod{}
	pod.Name, pod.Labels = "x", map[string]string{"app": "database"}
	if _, err := (ByLabel{"keycloak": Idle{}}).Start(t.Context(), pod); err == nil || !strings.Contains(err.Error(), `app="database"`) {
		t.Errorf("error %v", err)
	}
}
