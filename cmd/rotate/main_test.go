package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/fakes/moto"
)

func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" { // the test has started it as Lambda does
		main()
		return
	}
	code := m.Run()
	moto.Stop()
	os.Exit(code)
}

// The fake of Lambda's runtime hands out one event and waits for what becomes of it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func TestLambdaHearsAndLogsWhyAStepFailed(t *testing.T) {
	moto.Start(t)
	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"))
	require.NoError(t, err)
	_, err = secretsmanager.NewFromConfig(cfg).CreateSecret(t.Context(),
		&secretsmanager.CreateSecretInput{Name: aws.String("source"), SecretString: aws.String("{}")})
	require.NoError(t, err)

	outcome := make(chan string, 1)
	events := make(chan string, 1)
	events <- `{"Step": "createSecret", "SecretId": "source", "ClientRequestToken": "00000000-0000-0000-0000-000000000001"}`
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			text, _ := io.ReadAll(r.Body)
			outcome <- r.URL.Path + " " + string(text)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		select {
		case event := <-events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", "99999999999999")
			fmt.Fprint(w, event)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(runtime.Close)

	function := exec.Command(os.Args[0])
	function.Env = append(os.Environ(), "AWS_REGION=us-east-1", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"))
	var log strings.Builder
	function.Stderr = &log
	require.NoError(t, function.Start())
	const why = "createSecret: version 00000000-0000-0000-0000-000000000001 of source is not AWSPENDING"
	told := <-outcome
	require.NoError(t, function.Process.Kill())
	_ = function.Wait()
	assert.Contains(t, told, "/1/error ")
	assert.Contains(t, told, why)
	assert.Contains(t, log.String(), "failed: "+why)
}
