// Command kube holds every Kubernetes program the lab runs, in one binary.
//
// The first argument names the program, the rest are that program's own
// arguments: "kube kube-apiserver --etcd-servers=...". Called through a link
// with a program's name ("kubectl"), it is that program. One binary links the
// shared libraries once: 135 MB instead of more than 500 MB.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func newKubelet() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }

// programs maps the first argument to the constructor of that program.
func programs() map[string]func() *cobra.Command {
	return map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllers.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kube-proxy":              proxy.NewProxyCommand,
		"kubelet":                 newKubelet,
		"kubectl":                 kubectl.NewDefaultKubectlCommand,
	}
}

func usage(known map[string]func() *cobra.Command) {
	names := []string{"etcd"}
	for name := range known {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintf(os.Stderr, "usage: kube PROGRAM [ARGUMENT...], where PROGRAM is one of %v\n", names)
	os.Exit(2)
}

func main() {
	known := programs()
	// Each program parses os.Args itself, so it must see its own name first.
	if _, linked := known[filepath.Base(os.Args[0])]; !linked {
		os.Args = os.Args[1:]
	}
	if len(os.Args) == 0 {
		usage(known)
	}
	name := filepath.Base(os.Args[0])
	if name == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	construct, ok := known[name]
	if !ok {
		usage(known)
	}
	os.Exit(cli.Run(construct()))
}
