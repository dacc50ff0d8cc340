# The index of commands. Each target is one command that you can also type.

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

tools: ## Install the tools of .tool-versions, with mise
	mise install

install: ## Install the CDK CLI
	npm ci

hooks: ## Check each commit before it is made (.githooks/pre-commit)
	git config core.hooksPath .githooks

synth: ## Write the CloudFormation templates of all environments to cdk.out
	npx cdk synth --quiet

test: ## Run the tests
	go test ./...

lint: ## Run the linters
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(shell sed -n 's|.*/golangci-lint ||p' .tool-versions) run

format: ## Format the Go files
	go fmt ./...

update: ## Rewrite the generated documents and golden files; read the difference
	go test ./stacks ./config ./internal/doctor -update

ci: ## Run all checks, as CI does
	bash .ci/run

review: ## Report what this branch changes in the environments
	go run ./cmd/parrotctl review main HEAD

cost: ## Estimate what a month costs
	go run ./cmd/parrotctl cost

version: ## Print Parrot's version and the commit
	go run -buildvcs=true ./cmd/parrotctl version

.PHONY: help tools install hooks synth test lint format update ci review cost version
