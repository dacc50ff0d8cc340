// Package bundle builds the Go programs that run on Lambda.
package bundle

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Bootstrap is the name that Lambda's runtime provided.al2023 starts.
const Bootstrap = "bootstrap"

// toolchain compiles every bundle, wherever it is built: another compiler writes
// other bytes, and each turn between a laptop and a pipeline would deploy them.
// The go command downloads it where it is another one itself.
const toolchain = "go1.26.8"

// Build compiles a main package of the module in dir, for Lambda on arm64, to the
// one file of a new directory, which is the caller's to remove. The same source
// gives the same bytes on every machine.
func Build(dir, pkg string) (directory string, err error) {
	built, err := os.MkdirTemp("", "parrot-bundle-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(built)
		}
	}()
	file := filepath.Join(built, Bootstrap)
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-tags", "lambda.norpc", "-o", file,
		pkg)
	build.Dir = dir
	build.Env = append(build.Environ(),
		"GOOS=linux", "GOARCH=arm64", "GOARM64=v8.0", "CGO_ENABLED=0",
		// An empty one would be looked up in the file of go env -w.
		"GOTOOLCHAIN="+toolchain, "GOFLAGS=-mod=readonly", "GOEXPERIMENT=none", "GOFIPS140=off", "GOWORK=off",
	)
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s is not built: %w\n%s", pkg, err, output)
	}
	// The zip that CDK uploads keeps the mode, and Lambda has to start the file.
	if err := os.Chmod(file, 0o755); err != nil {
		return "", err
	}
	return built, nil
}
