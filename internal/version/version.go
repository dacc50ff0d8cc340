// Package version says which Parrot this is.
package version

import (
	"fmt"
	"runtime/debug"
)

// Parrot is the version of this checkout. CHANGELOG.md says what is in it.
const Parrot = "v0.1.0"

// Text returns the version and the commit that the program was built from.
func Text(info *debug.BuildInfo) string {
	commit, changed := "", ""
	if info != nil {
		for _, setting := range info.Settings {
			switch {
			case setting.Key == "vcs.revision":
				commit = setting.Value[:min(len(setting.Value), 7)]
			case setting.Key == "vcs.modified" && setting.Value == "true":
				changed = ", with uncommitted changes"
			}
		}
	}
	if commit == "" {
		return Parrot + ` (commit unknown: Go records it with "go build", and with "go run -buildvcs=true")`
	}
	return fmt.Sprintf("%s (commit %s%s)", Parrot, commit, changed)
}
