// Syncs manifests as Argo CD does: by its own engine (that of Argo CD 3.2), with the sync options of their annotations
// (https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/).
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2/textlogger"
)

const manager = "argocd-controller"

type namespaced struct{}

func (namespaced) IsNamespaced(schema.GroupKind) (bool, error) { return true, nil }

func main() {
	if err := apply(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func apply(kubeconfig, namespace, manifests string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(manifests)
	if err != nil {
		return err
	}
	targets, err := kube.SplitYAML(text)
	if err != nil {
		return err
	}
	log := textlogger.NewLogger(textlogger.NewConfig())
	kubectl := &kube.KubectlCmd{Log: log, Tracer: tracing.NopTracer{}}
	live := map[kube.ResourceKey]*unstructured.Unstructured{}
	for _, target := range targets {
		target.SetNamespace(namespace)
		found, err := kubectl.GetResource(context.Background(), config, target.GroupVersionKind(), target.GetName(), namespace)
		if err == nil {
			live[kube.GetResourceKey(target)] = found
		} else if !apierrors.IsNotFound(err) {
			return err
		}
	}
	openAPI, _, err := kubectl.LoadOpenAPISchema(config)
	if err != nil {
		return err
	}
	syncing, end, err := sync.NewSyncContext("one", sync.Reconcile(targets, live, namespace, namespaced{}), config, config, kubectl, namespace, openAPI,
		sync.WithServerSideApplyManager(manager), sync.WithLogr(log))
	if err != nil {
		return err
	}
	defer end()
	for range 60 {
		syncing.Sync()
		phase, message, results := syncing.GetState()
		if phase.Completed() {
			for _, result := range results {
				fmt.Println(result.ResourceKey, result.Status, result.Message)
			}
			if !phase.Successful() {
				return fmt.Errorf("%s: %s", phase, message)
			}
			return nil
		}
		// a workload that does not come up keeps Argo CD waiting, and nothing more is written
		time.Sleep(time.Second)
	}
	return nil
}
