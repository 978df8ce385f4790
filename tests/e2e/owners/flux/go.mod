module owners/flux

go 1.26.0

require (
	github.com/fluxcd/pkg/ssa v0.75.0
	k8s.io/apimachinery v0.37.0
	k8s.io/client-go v0.37.0
	sigs.k8s.io/controller-runtime v0.25.2
)
