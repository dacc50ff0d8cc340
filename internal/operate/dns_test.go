package operate

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parent returns the port of a name server that gives the same answer on UDP and TCP.
func parent(t *testing.T, answer dns.HandlerFunc) (port string) {
	t.Helper()
	var packets net.PacketConn
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	for range 20 { // somebody may have the port on UDP
		require.NoError(t, err)
		if packets, err = net.ListenPacket("udp", listener.Addr().String()); err == nil {
			break
		}
		listener.Close()
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	require.NotNil(t, packets)
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: answer}, {Listener: listener, Handler: answer}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	_, port, err = net.SplitHostPort(packets.LocalAddr().String())
	require.NoError(t, err)
	return port
}

// referral answers as the parent of a zone does: with its name servers, and no
// answer of its own.
func referral(t *testing.T, names ...string) dns.HandlerFunc {
	return func(w dns.ResponseWriter, question *dns.Msg) {
		assert.False(t, question.RecursionDesired, "a name server is asked, not a cache")
		reply := new(dns.Msg)
		reply.SetReply(question)
		for _, name := range names {
			reply.Ns = append(reply.Ns,
				&dns.NS{Hdr: dns.RR_Header{Name: question.Question[0].Name, Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: name})
		}
		if len(names) == 0 { // the parent's own record
			reply.Ns = append(reply.Ns, &dns.SOA{Hdr: dns.RR_Header{Name: "com.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "a.", Mbox: "b."})
		}
		_ = w.WriteMsg(reply)
	}
}

// com returns the zone com, whose name server is on this machine; no other is known.
func com(port string) Parents {
	return Parents{Port: port, NameServers: func(_ context.Context, name string) ([]string, error) {
		if name == "com" {
			return []string{"127.0.0.1"}, nil
		}
		return nil, nil
	}}
}

func TestTheParentIsAskedWhatADomainIsDelegatedTo(t *testing.T) {
	t.Parallel()
	p := com(parent(t, referral(t, "NS-2.awsdns.net.", "ns-1.awsdns.com.")))
	names, err := p.Delegation(t.Context(), "bkgstock.com")
	require.NoError(t, err)
	assert.Equal(t, []string{"ns-1.awsdns.com", "ns-2.awsdns.net"}, names)

	names, err = p.Delegation(t.Context(), "deep.stage.bkgstock.com")
	require.NoError(t, err, "the closest zone above is asked")
	assert.Len(t, names, 2)
}

func TestADomainWithoutADelegationHasNoNameServers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]dns.HandlerFunc{
		"no record": referral(t),
		"no name": func(w dns.ResponseWriter, question *dns.Msg) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(question, dns.RcodeNameError))
		},
	} {
		names, err := com(parent(t, answer)).Delegation(t.Context(), "bkgstock.com")
		require.NoError(t, err, name)
		assert.Empty(t, names, name)
	}
}

func TestALongAnswerOfTheParentIsAskedForAgainOverTCP(t *testing.T) {
	t.Parallel()
	whole := referral(t, "ns-1.awsdns.com.")
	port := parent(t, func(w dns.ResponseWriter, question *dns.Msg) {
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			cut := new(dns.Msg).SetReply(question)
			cut.Truncated = true
			_ = w.WriteMsg(cut)
			return
		}
		whole(w, question)
	})
	names, err := com(port).Delegation(t.Context(), "bkgstock.com")
	require.NoError(t, err)
	assert.Equal(t, []string{"ns-1.awsdns.com"}, names)
}

func TestAParentThatDoesNotAnswerIsAnErrorAndTheNextOneIsAsked(t *testing.T) {
	t.Parallel()
	port := parent(t, referral(t, "ns-1.awsdns.com."))
	p := Parents{Port: port, NameServers: func(context.Context, string) ([]string, error) {
		return []string{"does-not-exist.invalid", "127.0.0.1"}, nil
	}}
	names, err := p.Delegation(t.Context(), "bkgstock.com")
	require.NoError(t, err)
	assert.Equal(t, []string{"ns-1.awsdns.com"}, names)

	refuses := parent(t, func(w dns.ResponseWriter, question *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(question, dns.RcodeRefused))
	})
	_, err = com(refuses).Delegation(t.Context(), "bkgstock.com")
	require.ErrorContains(t, err, "name server 127.0.0.1 answers REFUSED")

	p.NameServers = func(context.Context, string) ([]string, error) { return nil, errors.New("no network") }
	_, err = p.Delegation(t.Context(), "bkgstock.com")
	require.ErrorContains(t, err, "the name servers of com cannot be found: no network")
}
