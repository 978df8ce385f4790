// Applies manifests as Flux's kustomize-controller does: its own library, with the options that the controller sets
// (https://github.com/fluxcd/kustomize-controller, internal/controller/kustomization_controller.go).
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const controller = "kustomize-controller"

func main() {
	kubeconfig, namespace, manifests, force := os.Args[1], os.Args[2], os.Args[3], len(os.Args) > 4
	if err := apply(kubeconfig, namespace, manifests, force); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func apply(kubeconfig, namespace, manifests string, force bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	cluster, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	file, err := os.Open(manifests)
	if err != nil {
		return err
	}
	objects, err := utils.ReadObjects(file)
	if err != nil {
		return err
	}
	manager := ssa.NewResourceManager(cluster, nil, ssa.Owner{Field: controller, Group: "kustomize.toolkit.fluxcd.io"})
	manager.SetOwnerLabels(objects, "rucio", namespace)
	for _, object := range objects {
		object.SetNamespace(namespace)
	}
	options := ssa.DefaultApplyOptions()
	options.Force = force
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{"kubectl.kubernetes.io/last-applied-configuration"},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: controller, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
	}
	changes, err := manager.ApplyAllStaged(context.Background(), objects, options)
	if changes != nil {
		fmt.Println(changes.String())
	}
	return err
}
