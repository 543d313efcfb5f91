package kubelet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/operators"
)

func TestTheNodeBehavesAsAKubeletDoes(t *testing.T) {
	r := newRig(t)
	t.Run("port-forward reaches the pod's own workload", r.testForward)
	t.Run("a stream ends with its pod and never reaches the successor", r.testStreamEnds)
	t.Run("a workload that dies is restarted in its pod", r.testRestart)
	t.Run("exec runs a command beside the workload", r.testExec)
	t.Run("keycloak follows its custom resource to 0 and back", r.testKeycloakScale)
	t.Run("a user has the rights that RBAC gives and no other", r.testUser)
}

func (r *rig) testForward(t *testing.T) {
	for _, way := range []string{"WebSocket", "SPDY"} {
		for _, name := range []string{"infinispan-0", "infinispan-1"} {
			pod := r.readyPod(t, name)
			address := r.forward(t, name, way)
			if _, greeting := talk(t, address); greeting != r.echoes.of(pod).name {
				t.Errorf("%s to %s reached %s", way, name, greeting)
			}
		}
	}
}

func (r *rig) testStreamEnds(t *testing.T) {
	for _, way := range []string{"WebSocket", "SPDY"} {
		pod := r.readyPod(t, "infinispan-0")
		address := r.forward(t, pod.Name, way)
		conn, _ := talk(t, address)
		if err := r.kube.CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(conn); len(rest) > 0 {
			t.Errorf("%s: the cut stream still brought %q (%v)", way, rest, err)
		} else if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: the stream of the deleted pod hangs", way)
		}
		successor := r.readyPod(t, pod.Name, pod.UID)
		if r.echoes.of(successor) == r.echoes.of(pod) {
			t.Fatal("the successor has the predecessor's workload")
		}
		// The old forward is still bound to the old pod. Whether the client gives it up at once or
		// only its connections fail is the client's affair; nobody is reached through it.
		for range 3 {
			late, err := net.Dial("tcp", address)
			if err != nil {
				break
			}
			if got, _ := io.ReadAll(late); len(got) > 0 {
				t.Errorf("%s: the old forward reached %s", way, strings.TrimSpace(string(got)))
			}
			_ = late.Close()
		}
	}
}

func (r *rig) testRestart(t *testing.T) {
	pod := r.readyPod(t, "infinispan-1")
	first := r.echoes.of(pod)
	address := r.forward(t, pod.Name, "WebSocket")
	conn, _ := talk(t, address)
	first.die()
	if rest, _ := io.ReadAll(conn); len(rest) > 0 {
		t.Errorf("the stream of the dead workload brought %q", rest)
	}
	wait(t, "the pod is ready again", func(ctx context.Context) (bool, error) {
		now, err := r.kube.CoreV1().Pods(namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if now.UID != pod.UID {
			t.Fatal("the pod was replaced")
		}
		c := now.Status.ContainerStatuses[0]
		return c.RestartCount == 1 && c.Ready && c.LastTerminationState.Terminated != nil, nil
	})
	if _, greeting := talk(t, address); greeting == first.name {
		t.Error("the same forward reaches the dead workload")
	}
}

func (r *rig) testExec(t *testing.T) {
	pod := r.readyPod(t, "infinispan-0")
	run := func(stdin io.Reader, command ...string) (string, string, error) {
		url := r.kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod.Name).SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{Command: command, Stdin: stdin != nil, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
		executor, err := remotecommand.NewWebSocketExecutor(r.config, http.MethodGet, url.String())
		if err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		err = executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: stdin, Stdout: &out, Stderr: &errOut})
		return out.String(), errOut.String(), err
	}
	if out, errOut, err := run(strings.NewReader("in\n"), "bash", "-c", "cat; echo err >&2"); err != nil || out != "in\n" || errOut != "err\n" {
		t.Errorf("out %q, err %q, %v", out, errOut, err)
	}
	if _, _, err := run(nil, "bash", "-c", "exit 3"); err == nil || !strings.Contains(err.Error(), "exit code 3") {
		t.Errorf("exit 3: %v", err)
	}
	out, _, err := run(nil, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/11222; head -n 1 <&3")
	if want := r.echoes.of(pod).name + "\n"; err != nil || out != want {
		t.Errorf("a tunnel by /dev/tcp reached %q, %v; want %q", out, err, want)
	}
}

func (r *rig) testKeycloakScale(t *testing.T) {
	keycloaks := r.dyn.Resource(operators.Keycloaks()).Namespace(namespace)
	scale := func(n int) {
		t.Helper()
		patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
		if _, err := keycloaks.Patch(t.Context(), "keycloak", types.MergePatchType, patch, metav1.PatchOptions{}, "scale"); err != nil {
			t.Fatal(err)
		}
		wait(t, fmt.Sprintf("%d instances are reported", n), func(ctx context.Context) (bool, error) {
			cr, err := keycloaks.Get(ctx, "keycloak", metav1.GetOptions{})
			if err != nil {
				return false, err
			}
			status, _ := cr.Object["status"].(map[string]any)
			instances, there := status["instances"].(int64)
			pods, err := r.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=keycloak"})
			if err != nil {
				return false, err
			}
			ready := fmt.Sprint(status["conditions"].([]any)[0].(map[string]any)["status"])
			return status["observedGeneration"] == cr.GetGeneration() && ready == "True" &&
				there == (n > 0) && instances == int64(n) && len(pods.Items) == n, nil
		})
	}
	r.readyPod(t, "keycloak-1")
	scale(0)
	scale(2)
	if _, err := keycloaks.Patch(t.Context(), "keycloak", types.MergePatchType, []byte(`{"spec":{"instances":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	wait(t, "absent instances are written as 1", func(ctx context.Context) (bool, error) {
		got, err := keycloaks.Get(ctx, "keycloak", metav1.GetOptions{}, "scale")
		if err != nil {
			return false, err
		}
		return got.Object["spec"].(map[string]any)["replicas"] == int64(1), nil
	})
	old := operators.Keycloaks()
	old.Version = "v2alpha1"
	if _, err := r.dyn.Resource(old).Namespace(namespace).Get(t.Context(), "keycloak", metav1.GetOptions{}); err != nil {
		t.Errorf("the deprecated version is not served: %v", err)
	}
}

func (r *rig) testUser(t *testing.T) {
	path, err := r.plane.UserKubeconfig("limited")
	if err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, path)
	if _, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{}); err == nil || !strings.Contains(err.Error(), `"limited" cannot list`) {
		t.Errorf("a user without a role lists secrets: %v", err)
	}
	grant(t, r.kube, "limited")
	wait(t, "the role counts", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		return err == nil, err
	})
}
