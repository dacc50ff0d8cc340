// Package docs_test reads the documents as they are: those that describe templates are
// tested with them, in stacks.
package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/documents"
)

func TestCommandsOfDocumentsCanBePasted(t *testing.T) {
	t.Parallel()
	pasted := 0
	for _, document := range slices.Concat(documents.Files(t, "docs/*.md"), documents.Files(t, "*.md")) {
		blocks := regexp.MustCompile("(?sm)^( *)```sh\n(.*?)^ *```").FindAllStringSubmatch(documents.Read(t, document), -1)
		pasted += len(blocks)
		for _, block := range blocks {
			command := exec.Command("bash", "-n")
			command.Stdin = strings.NewReader(strings.ReplaceAll("\n"+block[2], "\n"+block[1], "\n"))
			output, err := command.CombinedOutput()
			require.NoError(t, err, "%s: %s\n%s", document, output, block[2])
		}
	}
	assert.NotZero(t, pasted)
}

// Paths in texts go stale in silence.
func TestDocumentsLinkToFilesThatExist(t *testing.T) {
	t.Parallel()
	documents.Mentions(t, `\]\(([^)#:]+)\)`, documents.Read(t, "README.md")) // others may have none
	for _, document := range slices.Concat(documents.Files(t, "docs/*/*.md"), documents.Files(t, "docs/*.md"), documents.Files(t, "*.md")) {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(documents.Read(t, document), -1) {
			_, err := os.Stat(documents.Path(filepath.Join(filepath.Dir(document), link[1])))
			assert.NoError(t, err, "a link of %s", document)
		}
	}
}

func TestTheCLIIsPinned(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`"aws-cdk": "(\d+\.\d+\.\d+)"`).FindStringSubmatch(documents.Read(t, "package.json"))
	require.NotNil(t, version, "an exact version")
	assert.Contains(t, documents.Read(t, "package-lock.json"), `"version": "`+version[1]+`"`)
}

func TestDocumentsAskForTheGoThatTheModuleNeeds(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(documents.Read(t, "go.mod"))
	require.NotNil(t, version)
	for document, text := range map[string]string{"README.md": "Go " + version[1] + " or newer",
		"docs/product.md": "| Go | " + version[1] + " or newer |"} {
		if !strings.Contains(documents.Read(t, document), text) {
			t.Errorf("%s does not say %s", document, text)
		}
	}
}
