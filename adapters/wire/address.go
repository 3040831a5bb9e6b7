package wire

import "net/url"

// AddressFault says what is wrong with the configured address of a PSP's API, in a sentence for the configuration's reader;
// "" is nothing. Live says that real money goes there; example is the vendor's own address.
func AddressFault(address string, live bool, example string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		return "Give an absolute URL, for example " + example + "."
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return "Give scheme, host and path only."
	case live && u.Scheme != "https":
		return "A live project needs https."
	}
	return ""
}
