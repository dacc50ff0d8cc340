package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// released returns dev with the images of a document.
func released(t *testing.T, document string) Environment {
	t.Helper()
	environments := three()
	require.NoError(t, applyReleases(environments, []byte(document)))
	return environments[0]
}

func TestReferenceIsTheDigestWhereThereIsOne(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0f", 32)
	for document, want := range map[string]string{
		`{"dev": {"backend": {"tag": "v1"}}}`:                                      "v1",
		`{"dev": {"backend": {"digest": "` + digest + `"}}}`:                       digest,
		`{"dev": {"backend": {"tag": "v1", "digest": "` + digest + `"}}}`:          digest,
		`{"dev": {"frontend": {"tag": "v1"}}, "prod": {"backend": {"tag": "v2"}}}`: "",
	} {
		image := released(t, document).Backend.Image
		assert.Equal(t, want, image.Reference(), document)
		assert.Equal(t, want != "", image.Released(), document)
	}
}

func TestTasksRunOnceTheirImageIsReleased(t *testing.T) {
	for document, want := range map[string][2]int{ // backend, front end
		`{}`:                                    {0, 0},
		`{"stage": {"backend": {"tag": "v1"}}}`: {0, 0},
		`{"dev": {"backend": {"tag": "v1"}}}`:   {3, 0},
		`{"dev": {"frontend": {"tag": "v1"}}}`:  {0, 5},
		`{"dev": {"backend": {"tag": "v1"}, "frontend": {"tag": "v1"}}}`: {3, 5},
	} {
		dev := released(t, document)
		dev.Backend.DesiredCount, dev.Frontend.DesiredCount = 3, 5
		assert.Equal(t, want, [2]int{dev.backend().RunningCount(), dev.frontend().RunningCount()}, document)
	}
}

func TestImagesGoToTheirOwnEnvironmentAndService(t *testing.T) {
	environments := three()
	require.NoError(t, applyReleases(environments, []byte(`{
		"prod": {"backend": {"tag": "pb"}, "frontend": {"tag": "pf"}},
		"dev": {"backend": {"tag": "db"}, "frontend": {"tag": "df"}}
	}`)))
	var tags []string
	for _, e := range environments {
		tags = append(tags, e.Backend.Image.Tag, e.Frontend.Image.Tag)
	}
	assert.Equal(t, []string{"db", "df", "", "", "pb", "pf"}, tags)
}

func TestImagesThatCannotBeReadAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ document, want string }{
		"nothing":                 {``, "line 1: EOF"},
		"half a document":         {`{"dev": {`, "unexpected EOF"},
		"a missing comma":         {"{\n  \"dev\": {\n    \"backend\": {\"tag\": \"v1\"}\n    \"frontend\"", "line 4: invalid character"},
		"a wrong type below":      {"{\n  \"dev\": {\n    \"backend\": \"v1\"}}", "line 3: json: cannot unmarshal string"},
		"null":                    {`null`, "nothing released is {}"},
		"a null environment":      {`{"dev": null}`, "dev names no service; remove the entry if nothing is released"},
		"an empty environment":    {`{"dev": {}}`, "dev names no service; remove the entry if nothing is released"},
		"a null service":          {`{"dev": {"backend": null}}`, "dev.backend has neither a tag nor a digest"},
		"an empty service":        {`{"dev": {"backend": {}}}`, "dev.backend has neither a tag nor a digest"},
		"an empty tag":            {`{"dev": {"backend": {"tag": ""}}}`, "dev.backend has neither a tag nor a digest"},
		"several that are empty":  {`{"prod": {"frontend": {}}, "dev": {"backend": {}}}`, "dev.backend has neither a tag nor a digest, prod.frontend has neither a tag nor a digest; remove the entry"},
		"an environment twice":    {`{"dev": {"backend": {"tag": "v1"}}, "dev": {"frontend": {"tag": "v1"}}}`, "dev is there twice"},
		"a service twice":         {`{"dev": {"backend": {"tag": "v1"}, "backend": {"tag": "v2"}}}`, "dev.backend is there twice"},
		"a service in two cases":  {`{"dev": {"backend": {"tag": "v1"}, "Backend": {"tag": "v2"}}}`, "dev.Backend is there twice"},
		"a tag twice":             {`{"dev": {"backend": {"tag": "v1", "tag": "v2"}}}`, "dev.backend.tag is there twice"},
		"not JSON":                {`dev: v1`, "invalid character"},
		"a list":                  {`[]`, "cannot unmarshal array"},
		"a tag as a number":       {`{"dev": {"backend": {"tag": 1}}}`, "cannot unmarshal number"},
		"an unknown service":      {`{"dev": {"worker": {"tag": "v1"}}}`, `dev: there is no service "worker": want one of backend, frontend`},
		"an unknown field":        {`{"dev": {"backend": {"version": "v1"}}}`, `unknown field "version"`},
		"text after it":           {`{} v1`, "text after the closing brace"},
		"two documents":           {`{}{}`, "text after the closing brace"},
		"one brace too many":      {`{}}`, "text after the closing brace"},
		"an environment too many": {`{"dev": {"backend": {"tag": "v1"}}, "qa": {"backend": {"tag": "v1"}}}`, `"qa" is no environment; remove its entry`},
	} {
		t.Run(name, func(t *testing.T) {
			err := applyReleases(three(), []byte(c.document))
			require.ErrorContains(t, err, "config/images.json: ")
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestEveryUnknownEnvironmentIsNamed(t *testing.T) {
	err := applyReleases(three(), []byte(`{"qa": {"backend": {"tag": "v1"}}, "demo": {"backend": {"tag": "v1"}}, "old": {"backend": {"tag": "v1"}}}`))
	var named []string
	for line := range strings.Lines(err.Error()) {
		named = append(named, strings.Split(line, `"`)[1])
	}
	assert.Equal(t, []string{"demo", "old", "qa"}, named)
}

func TestLoadReportsWhatIsWrongWithTheImagesToo(t *testing.T) {
	shipped := imagesJSON
	t.Cleanup(func() { imagesJSON = shipped })
	name := All()[0].Name
	imagesJSON = []byte(`{"` + name + `": {"backend": {"tag": "latest"}}, "no-name": {"backend": {"tag": "v1"}}}`)

	environments, err := Load()
	assert.Nil(t, environments)
	require.ErrorContains(t, err, `"no-name" is no environment`)
	require.ErrorContains(t, err, name+`: Backend.Image.Tag is "latest"`)
}
