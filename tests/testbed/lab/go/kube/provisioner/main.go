// Command provisioner makes the lab's PersistentVolumes on demand.
//
// It serves two storage classes, told apart by the class parameter "kind":
//
//	local   a directory on the node the scheduler chose (volume type local);
//	        like the provisioners of single-node edge distributions
//	shared  one directory that all nodes of the cluster see (volume type
//	        hostPath); like a file server
//
// It creates directories through the paths the nodes' disks have on this side:
// DISKS/shared, and DISKS/NODE/volumes for each node.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	name       = "openvino.edge/lab"
	nodeLocal  = "/var/lib/openvino-edge/volumes"
	nodeShared = "/var/lib/openvino-edge/shared"
)

// disks is the directory that holds all nodes' disks on this side.
type disks string

func (d disks) shared(volume string) string { return filepath.Join(string(d), "shared", volume) }

func (d disks) local(node, volume string) string {
	return filepath.Join(string(d), node, "volumes", volume)
}

// supports refuses access modes that the kind of directory cannot give.
func supports(kind string, modes []core.PersistentVolumeAccessMode) error {
	for _, mode := range modes {
		many := mode == core.ReadWriteMany || mode == core.ReadOnlyMany
		if kind == "local" && many {
			return fmt.Errorf("a local volume is on one node and cannot be %s; use class shared", mode)
		}
	}
	return nil
}

func localSource(volume string) core.PersistentVolumeSource {
	return core.PersistentVolumeSource{
		Local: &core.LocalVolumeSource{Path: filepath.Join(nodeLocal, volume)},
	}
}

func sharedSource(volume string) core.PersistentVolumeSource {
	return core.PersistentVolumeSource{
		HostPath: &core.HostPathVolumeSource{Path: filepath.Join(nodeShared, volume)},
	}
}

func onNode(node string) *core.VolumeNodeAffinity {
	return &core.VolumeNodeAffinity{Required: &core.NodeSelector{
		NodeSelectorTerms: []core.NodeSelectorTerm{{
			MatchExpressions: []core.NodeSelectorRequirement{{
				Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node},
			}},
		}},
	}}
}

// makeDirectory gives every uid the right to write, whatever the umask.
func makeDirectory(path string) error {
	if err := os.Mkdir(path, 0o777); err != nil && !os.IsExist(err) {
		return err
	}
	return os.Chmod(path, 0o777)
}

// newVolume fills in all that does not depend on where the directory is.
func newVolume(options controller.ProvisionOptions) *core.PersistentVolume {
	claim := options.PVC.Spec
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   claim.AccessModes,
			VolumeMode:                    claim.VolumeMode,
			Capacity: core.ResourceList{
				core.ResourceStorage: claim.Resources.Requests[core.ResourceStorage],
			},
		},
	}
}

// Provision makes the directory and describes it as a volume.
func (d disks) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	kind := options.StorageClass.Parameters["kind"]
	if err := supports(kind, options.PVC.Spec.AccessModes); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	volume := newVolume(options)
	path := d.shared(options.PVName)
	volume.Spec.PersistentVolumeSource = sharedSource(options.PVName)
	if kind == "local" {
		path = d.local(options.SelectedNodeName, options.PVName)
		volume.Spec.PersistentVolumeSource = localSource(options.PVName)
		volume.Spec.NodeAffinity = onNode(options.SelectedNodeName)
	}
	return volume, controller.ProvisioningFinished, makeDirectory(path)
}

// Delete removes a volume's directory. The name is the API server's, checked all the same.
func (d disks) Delete(_ context.Context, volume *core.PersistentVolume) error {
	if volume.Name == "" || strings.ContainsAny(volume.Name, "/\\") {
		return fmt.Errorf("volume name %q is no directory name", volume.Name)
	}
	if volume.Spec.HostPath != nil {
		return os.RemoveAll(d.shared(volume.Name))
	}
	node := volume.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values[0]
	return os.RemoveAll(d.local(filepath.Base(node), volume.Name))
}

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	root := flag.String("disks", "", "directory that holds the nodes' disks")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	controller.NewProvisionController(
		ctx, client, name, disks(*root),
		controller.LeaderElection(false),
		controller.ResyncPeriod(time.Hour),
		controller.Threadiness(1),
	).Run(ctx)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "provisioner:", err)
		os.Exit(1)
	}
}
