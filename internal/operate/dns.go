package operate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Delegation returns the name servers to which the parent of a domain delegates it, or
// none.
type Delegation func(ctx context.Context, domain string) ([]string, error)

// Parents asks the name servers of the domain's parent zone. They have what the
// registrar entered: no cache is in between, and it does not matter whether the name
// servers of the domain answer.
type Parents struct {
	// NameServers finds the name servers of a zone; none if there is no such zone.
	NameServers func(ctx context.Context, zone string) ([]string, error)
	// Port is the port of name servers, 53 but in tests.
	Port string
}

// InternetParents finds the parent's name servers as this machine resolves names.
func InternetParents() Parents {
	return Parents{Port: "53", NameServers: func(ctx context.Context, zone string) ([]string, error) {
		found, err := net.DefaultResolver.LookupNS(ctx, dns.Fqdn(zone)) // not in the search list of this machine
		if missing := new(net.DNSError); errors.As(err, &missing) && missing.IsNotFound {
			return nil, nil
		}
		var names []string
		for _, server := range found {
			names = append(names, server.Host)
		}
		return names, err
	}}
}

// Delegation asks the parent's name servers; it is a [Delegation].
func (p Parents) Delegation(ctx context.Context, domain string) ([]string, error) {
	servers, err := p.of(ctx, domain)
	if err != nil {
		return nil, err
	}
	question := new(dns.Msg)
	question.SetQuestion(dns.Fqdn(domain), dns.TypeNS)
	question.RecursionDesired = false
	for _, server := range servers {
		var answer *dns.Msg
		for _, network := range []string{"udp", "tcp"} { // tcp if the answer is cut off
			client := dns.Client{Net: network}
			answer, _, err = client.ExchangeContext(ctx, question, net.JoinHostPort(server, p.Port))
			if err != nil || !answer.Truncated {
				break
			}
		}
		switch {
		case err != nil:
			err = fmt.Errorf("name server %s does not answer: %w", server, err)
		case answer.Rcode == dns.RcodeNameError:
			return nil, nil
		case answer.Rcode != dns.RcodeSuccess:
			err = fmt.Errorf("name server %s answers %s", server, dns.RcodeToString[answer.Rcode])
		default:
			return delegated(answer, domain), nil
		}
	}
	return nil, err
}

// of are the name servers of the closest zone above a domain.
func (p Parents) of(ctx context.Context, domain string) ([]string, error) {
	for _, zone, more := strings.Cut(domain, "."); more; _, zone, more = strings.Cut(zone, ".") {
		servers, err := p.NameServers(ctx, zone)
		if err != nil {
			return nil, fmt.Errorf("the name servers of %s cannot be found: %w", zone, err)
		}
		if len(servers) > 0 {
			return servers, nil
		}
	}
	return nil, fmt.Errorf("no zone above %s has name servers", domain)
}

// delegated returns the name servers in a parent's answer: a referral, or the
// answer itself where one server has both zones.
func delegated(answer *dns.Msg, domain string) []string {
	var names []string
	for _, record := range slices.Concat(answer.Answer, answer.Ns) {
		if ns, ok := record.(*dns.NS); ok && strings.EqualFold(ns.Hdr.Name, dns.Fqdn(domain)) {
			names = append(names, ns.Ns)
		}
	}
	return nameServers(names)
}

// nameServers returns names as they can be compared: sorted, in lower case, without
// the last dot.
func nameServers(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(strings.TrimSuffix(name, "."))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
