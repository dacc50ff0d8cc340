package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"parrot/internal/version"
)

func (p *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print Parrot's version and the commit it was built from",
		Long: `Version prints the version of Parrot and the commit that this parrotctl was built
from. CHANGELOG.md says what is in each version.`,
		Example: `  parrotctl version
  go run -buildvcs=true ./cmd/parrotctl version`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(p.stdout, command.Root().Version)
			return err
		},
	}
}

// versionText returns the version and the commit that this program was built from.
func versionText() string {
	info, _ := debug.ReadBuildInfo()
	return version.Text(info)
}
