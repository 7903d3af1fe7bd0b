package node

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"akv-injector/e2e/build"
)

// Cut loses what is sent from and to an address of a pod, as a broken network does, until Mend.
func (n *Node) Cut(ctx context.Context, address string) error {
	return n.nft(ctx, strings.NewReplacer("ADDRESS", address).Replace(`table ip cut {
  chain from_pod_to_node { type filter hook input priority -300; ip saddr ADDRESS drop; }
  chain from_node_to_pod { type filter hook output priority 300; ip daddr ADDRESS drop; }
  chain between_pods { type filter hook forward priority -300; ip saddr ADDRESS drop; ip daddr ADDRESS drop; }
}
`))
}

// Mend ends what Cut has begun.
func (n *Node) Mend(ctx context.Context) error { return n.nft(ctx, "delete table ip cut\n") }

// nft has the kernel take rules.
func (n *Node) nft(ctx context.Context, rules string) error {
	programs, err := build.Ensure(ctx, n.options.Log, "nft")
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, programs["nft"], "-f", "-")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(rules), &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}
