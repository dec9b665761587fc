// Command assay-agent is the agent that runs on every host.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"assay/internal/agent/cli"
)

// version is set when the program is built: -ldflags "-X main.version=1.2.3".
var version = "0.1.0-dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Command(version, os.Args[1:]...).Run(ctx)
	stop()
	os.Exit(code)
}
