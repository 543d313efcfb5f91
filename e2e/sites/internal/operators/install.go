package operators

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
)

//go:embed manifests
var manifests embed.FS

// install makes the namespace, the types and the objects.
func (p *Operators) install(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.o.Namespace}}
	if _, err := p.kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make namespace %s: %w", p.o.Namespace, err)
	}
	for _, file := range []string{"crds.yaml", "infinispan.yaml.tmpl", "keycloak.yaml.tmpl"} {
		objects, err := render(file, p.o)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if err := p.create(ctx, object); err != nil {
				return err
			}
		}
	}
	return nil
}

// render fills a manifest and decodes its documents.
func render(file string, o Options) ([]*unstructured.Unstructured, error) {
	text, err := manifests.ReadFile("manifests/" + file)
	if err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	parsed, err := template.New(file).Funcs(template.FuncMap{"quote": strconv.Quote}).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	var filled bytes.Buffer
	if err := parsed.Execute(&filled, o); err != nil {
		return nil, fmt.Errorf("fill a manifest: %w", err)
	}
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(&filled, 4096)
	for {
		object := &unstructured.Unstructured{}
		switch err := decoder.Decode(object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, fmt.Errorf("decode manifest %s: %w", file, err)
		case len(object.Object) > 0:
			objects = append(objects, object)
		}
	}
}

// resources maps the kinds that occur in the manifests to their resources.
func resources() map[string]schema.GroupVersionResource {
	return map[string]schema.GroupVersionResource{
		"Infinispan": Infinispans(),
		"Keycloak":   Keycloaks(),
		"Secret":     {Version: "v1", Resource: "secrets"},
		"Service":    {Version: "v1", Resource: "services"},
		"CustomResourceDefinition": {
			Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
		},
	}
}

// create makes object. A type made a moment ago is not served at once: its objects are tried again
// until it is.
func (p *Operators) create(ctx context.Context, object *unstructured.Unstructured) error {
	resource, ok := resources()[object.GetKind()]
	if !ok {
		return fmt.Errorf("kind %s of the manifests has no resource", object.GetKind())
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var err error
		if object.GetKind() == "CustomResourceDefinition" {
			_, err = p.dynamic.Resource(resource).Create(ctx, object, metav1.CreateOptions{})
		} else {
			_, err = p.dynamic.Resource(resource).Namespace(p.o.Namespace).Create(ctx, object, metav1.CreateOptions{})
		}
		if err == nil || apierrors.IsAlreadyExists(err) {
			return nil
		}
		if !apierrors.IsNotFound(err) && !apierrors.IsTooManyRequests(err) {
			return fmt.Errorf("make %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("make %s %s: %w (last answer: %w)", object.GetKind(), object.GetName(), ctx.Err(), err)
		case <-tick.C:
		}
	}
}
