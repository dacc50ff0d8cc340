package assembly_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
)

func TestLoadSaysWhatHappenedWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	const wrong, again = "cloud assembly cannot be read: ", "; run npx cdk synth to write it again"
	shop := manifest(artifact("Shop", here))
	stage := manifest(`"Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}`)
	for name, c := range map[string]struct {
		files files
		want  string // with DIR for the folder
	}{
		"no folder":       {nil, wrong + "open DIR/manifest.json: no such file or directory" + again},
		"broken manifest": {files{"manifest.json": `{"artifacts": `}, wrong + "DIR/manifest.json: unexpected end of JSON input" + again},
		"no stage":        {files{"manifest.json": stage}, wrong + "open DIR/assembly-Prod/manifest.json: no such file or directory" + again},
		"no template": {files{"manifest.json": shop},
			"stack Shop: its template cannot be read: open DIR/Shop.json: no such file or directory" + again},
		"broken template":    {files{"manifest.json": shop, "Shop.json": `{"Resources": [}`}, "stack Shop: its template cannot be read: DIR/Shop.json: invalid character '}' looking for beginning of value" + again},
		"unfitting template": {files{"manifest.json": shop, "Shop.json": `{"Resources": 1}`}, "stack Shop: its template cannot be read: DIR/Shop.json: json: cannot unmarshal number into Go struct field template.Resources of type map[string]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := c.files.write(t)
			a, err := assembly.Load(dir)
			assert.Nil(t, a)
			require.Error(t, err)
			message := strings.ReplaceAll(err.Error(), dir, "DIR")
			assert.Contains(t, message, c.want)
			assert.Contains(t, message, again)
		})
	}

	_, err := assembly.Load(filepath.Join(t.TempDir(), "cdk.out"))
	assert.ErrorIs(t, err, fs.ErrNotExist, "callers may want to know")
}

func TestLoadRefusesAnEnvironmentThatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, environment := range []string{"", "eu-west-1", "111111111111/eu-west-1", "aws://111111111111", "aws:///eu-west-1",
		"aws://111111111111/", "aws://1/2/3"} {
		dir := files{"manifest.json": manifest(artifact("Shop", environment)), "Shop.json": `{}`}.write(t)
		_, err := assembly.Load(dir)
		require.Error(t, err, "environment %q", environment)
		assert.Equal(t, `stack Shop: its environment in DIR/manifest.json is "`+environment+
			`", not aws://account/region; run npx cdk synth to write it again`, strings.ReplaceAll(err.Error(), dir, "DIR"))
	}
}
