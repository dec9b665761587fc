// Command assay-agent is the agent that runs on every host.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"assay/internal/agent/cli"
	"assay/internal/release"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Command(release.Version(), os.Args[1:]...).Run(ctx)
	stop()
	os.Exit(code)
}
