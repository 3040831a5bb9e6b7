package config

import (
	"bytes"
	_ "embed" // for the table of dev
	"path/filepath"

	"switchyard/iin"
)

// iins reads the table of issuers that the file names.
func (c *checker) iins() *iin.Table {
	name := c.doc.Cards.IINTable
	if name == "" {
		if c.has("cards.iin_table") {
			c.add("cards.iin_table", "must name a file; remove it, and only the scheme of a card is known")
		}
		return nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.decoder.refs.folder, name)
	}
	text, err := c.decoder.refs.readFile(name)
	if err != nil {
		c.add("cards.iin_table", "the table of issuers cannot be read: "+unreadable(err))
		return nil
	}
	table, faults := iin.Read(bytes.NewReader(text))
	for _, f := range faults {
		c.ledger.iins = append(c.ledger.iins, Fault{File: filepath.ToSlash(name), Line: f.Line, Column: f.Column, Message: f.Message})
	}
	return table
}

// devIINName stands for the file of dev's table of issuers.
const devIINName = "issuers of switchyard dev"

// devIINs is a table of test cards, so that rules about issuers can be tried.
//
//go:embed dev_iins.csv
var devIINs []byte
