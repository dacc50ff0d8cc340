package delivery

import (
	"fmt"
	"slices"
	"strings"

	"parrot/config"
)

// chooseUncommitted corrects a choice from git's history, or the error that there
// is nothing to choose, where images were released since and never committed. It
// goes back to what ECS ran when the latest command began: the registry's tags
// say so. Where they do not, somebody has to say which one ran.
func chooseUncommitted(env config.Environment, list []Earlier, chosen []service, images map[string]config.Image,
	nothing error) (map[string]config.Image, error) {
	ran := map[string]config.Image{}
	var passedOver, unclear []string
	for _, s := range chosen {
		committed, goes := images[s.name]
		var between []string // in no commit, newer than committed and older than the present one
		for _, e := range list {
			if e.Service != s.name || e.Now || e.Image.Tag >= s.image.Tag { // tags start with the time
				continue
			}
			if e.Ran {
				ran[s.name] = e.Image
			}
			if e.Released.IsZero() && e.Image.Tag > committed.Tag && (goes || nothing != nil) {
				between = append(between, e.Image.Tag)
			}
		}
		passedOver = append(passedOver, between...)
		if before, known := ran[s.name]; len(between) > 0 && (!known || before.Tag < committed.Tag) {
			if committed.Tag != "" {
				between = append(between, committed.Tag)
			}
			for _, tag := range between {
				unclear = append(unclear, fmt.Sprintf("\n  parrotctl rollback %s %s --to %s", env.Name, s.name, tag))
			}
		}
	}
	if len(unclear) > 0 {
		return nil, fmt.Errorf("which images ran before is not known: %s may have been released, and no commit of config/images.json names "+
			"them; say where to go:%s",
			strings.Join(slices.Compact(slices.Sorted(slices.Values(passedOver))), ", "), strings.Join(unclear, ""))
	}
	if len(passedOver) > 0 {
		return ran, nil
	}
	return images, nothing
}
