// Package remote talks to other machines. An answer that does not come, or comes
// too late or too large, must not be taken for a no: whoever calls learns that
// he does not know.
//
//	c := remote.New(10*time.Second, false)
//	err := c.PostJSON(ctx, "https://operator.example/v1/query", request, &answer)
//	// remote.silent: nobody knows whether the request was carried out
package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"custody/internal/fault"
)

// maxAnswerBytes bounds an answer: the longest that we expect has 2 KiB.
const maxAnswerBytes = 64 << 10

// Client posts JSON over TLS.
type Client struct {
	http  *http.Client
	plain bool
}

// New returns a client whose calls take at most the timeout. plain allows http
// beside https, for machines of the same house.
func New(timeout time.Duration, plain bool) *Client {
	return &Client{plain: plain, http: &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxIdleConns: 4, Proxy: nil},
		// A request that moves money goes to the machine that was named, or nowhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// PostJSON posts in and reads the answer into out. Errors: remote.address for an
// address that is no https; remote.silent where no whole answer came, or one of
// the machine in between (5xx): the request may have been carried out or not;
// remote.refused where the other side says that it did nothing (4xx, but for
// those that a machine in between gives of its own, or that mean "again");
// remote.answer where its answer cannot be understood, which is no knowledge either.
func (c *Client) PostJSON(ctx context.Context, address string, in, out any) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !c.plain) {
		return fault.Invalid("remote.address").On("url", address)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fault.Invalid("remote.address").On("url", address).Because(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(request)
	if err != nil {
		return fault.Wait("remote.silent", u.Host).Because(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return fault.Wait("remote.silent", u.Host).Because(err)
	case saysNothing(answer.StatusCode):
		return fault.Wait("remote.silent", u.Host)
	case answer.StatusCode >= 400 && answer.StatusCode < 500:
		return fault.Invalid("remote.refused", u.Host, answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return fault.Wait("remote.silent", u.Host)
	case len(raw) > maxAnswerBytes:
		return fault.Wait("remote.answer", u.Host)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fault.Wait("remote.answer", u.Host).Because(err)
	}
	return nil
}

// saysNothing reports a status of the 4xx that does not tell whether the request
// was carried out: a proxy that gave up waiting, a request that met itself.
func saysNothing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusProxyAuthRequired, 499: // 499 is nginx's for a client that left
		return true
	}
	return false
}
