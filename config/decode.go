package config

import (
	"encoding"
	"log/slog"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"switchyard/payments"
)

// decoder puts the nodes of a file into Go values, strictly, and goes on after a fault so that all are found. It exists
// because a YAML library's own decoder stops at the first fault and may repeat the offending value.
type decoder struct {
	*ledger
	refs references
}

// section is a part of the file that is decoded later, by whoever knows its form.
type section struct{ node ast.Node }

// decimalNumber is a number kept as it is written, so that no digit is lost.
type decimalNumber string

var (
	sectionType  = reflect.TypeFor[section]()
	durationType = reflect.TypeFor[time.Duration]()
	levelType    = reflect.TypeFor[slog.Level]()
	secretType   = reflect.TypeFor[payments.Secret]()
	decimalType  = reflect.TypeFor[decimalNumber]()
)

// decode decodes node over the value that into points to.
func (d *decoder) decode(node ast.Node, path string, into any) {
	d.value(node, path, reflect.ValueOf(into).Elem())
}

func (d *decoder) value(node ast.Node, path string, into reflect.Value) {
	if fault := unsupported(node); fault != "" {
		d.breaks(path, fault)
		return
	}
	switch {
	case into.Type() == sectionType:
		into.Set(reflect.ValueOf(section{node}))
		return
	case into.Kind() == reflect.Pointer:
		target := reflect.New(into.Type().Elem())
		d.value(node, path, target.Elem())
		into.Set(target)
		return
	}
	_, decodesItself := reflect.TypeAssert[encoding.TextUnmarshaler](into.Addr())
	switch {
	case decodesItself:
		d.scalar(node, path, into)
	case into.Kind() == reflect.Struct:
		d.structure(node, path, into)
	case into.Kind() == reflect.Map:
		d.mapping(node, path, into)
	case into.Kind() == reflect.Slice:
		d.list(node, path, into)
	default:
		d.scalar(node, path, into)
	}
}

// unsupported says what part of YAML a node needs that files here do without: what is written must be what is read.
func unsupported(node ast.Node) string {
	switch node.(type) {
	case nil:
		return "has no value: give one, or remove the key"
	case *ast.AnchorNode, *ast.AliasNode:
		return "anchors and aliases are not supported: write the value out"
	case *ast.TagNode:
		return "tags are not supported: write the value without its tag"
	case *ast.DirectiveNode:
		return "directives are not supported: remove it"
	}
	return ""
}

// structure decodes a mapping with known keys.
func (d *decoder) structure(node ast.Node, path string, into reflect.Value) {
	entries, ok := d.entries(node, path)
	if !ok {
		return
	}
	fields := fieldsOf(into)
	for _, e := range entries {
		field, known := fields[e.key]
		if !known {
			d.addAt(e.at, path, unknownKey(e.key, fields))
			continue
		}
		d.value(e.value, join(path, e.key), field)
	}
}

// mapping decodes a mapping with keys of the operator's own choice.
func (d *decoder) mapping(node ast.Node, path string, into reflect.Value) {
	entries, ok := d.entries(node, path)
	if !ok {
		return
	}
	if into.Type().Key().Kind() != reflect.String {
		d.breaks(path, "this setting cannot be made in a file")
		return
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(entries)))
	for _, e := range entries {
		d.hidden[join(path, e.key)] = path
		element := reflect.New(into.Type().Elem()).Elem()
		d.value(e.value, join(path, e.key), element)
		into.SetMapIndex(reflect.ValueOf(e.key).Convert(into.Type().Key()), element)
	}
}

func (d *decoder) list(node ast.Node, path string, into reflect.Value) {
	if node.Type() == ast.NullType {
		return
	}
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.breaks(path, "must be a list")
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values)))
	for i, value := range sequence.Values {
		element := path + "[" + strconv.Itoa(i) + "]"
		d.places[element] = placeOfNode(value)
		d.value(value, element, into.Index(i))
	}
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	at    place
	value ast.Node
}

// entries lists a mapping without its duplicates, which are faults, and remembers where each value stands. A mapping of
// which all keys are commented out is none.
func (d *decoder) entries(node ast.Node, path string) ([]entry, bool) {
	if node.Type() == ast.NullType {
		return nil, false
	}
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.breaks(path, "must be a mapping, with one \"key: value\" on each line")
		return nil, false
	}
	list := make([]entry, 0, len(mapping.Values))
	for _, v := range mapping.Values {
		token := v.Key.GetToken()
		e := entry{key: token.Value, at: place{line: token.Position.Line, column: token.Position.Column}, value: v.Value}
		switch {
		case v.Key.IsMergeKey():
			d.addAt(e.at, path, "merge keys are not supported: write the values out")
			continue
		case slices.ContainsFunc(list, func(other entry) bool { return other.key == e.key }):
			d.addAt(e.at, path, "this key stands here twice")
			continue
		}
		at := e.at // a mapping or list is reported at its key
		if _, isScalar := e.value.(ast.ScalarNode); isScalar {
			at = placeOfNode(e.value)
		}
		d.places[join(path, e.key)] = at
		list = append(list, e)
	}
	return list, true
}

func placeOfNode(node ast.Node) place {
	token := node.GetToken()
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		token = m.Values[0].Key.GetToken()
	}
	return place{line: token.Position.Line, column: token.Position.Column}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fieldsOf lists a struct's fields by their names in the file.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value, v.NumField())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline": // of an unexported type too, as its own fields may be exported
			maps.Copy(fields, fieldsOf(v.Field(i)))
		case name == "-" || !f.IsExported():
		case name == "":
			fields[strings.ToLower(f.Name)] = v.Field(i)
		default:
			fields[name] = v.Field(i)
		}
	}
	return fields
}

// scalar decodes a single value. What comes from a reference is text, and may be read as whatever is wanted; what is
// written out must be of the right kind.
func (d *decoder) scalar(node ast.Node, path string, into reflect.Value) {
	text, written, ok := d.text(node, path)
	if !ok {
		return
	}
	if fault := setScalar(into, text, written); fault != "" {
		d.breaks(path, fault)
	}
}

// kind is how a value is written.
type kind string

const (
	kindText      kind = "text"
	kindNumber    kind = "number"
	kindBool      kind = "bool"
	kindReference kind = "reference"
)

func (d *decoder) text(node ast.Node, path string) (text string, written kind, ok bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, kindNumber, true
	case *ast.BoolNode:
		return n.GetToken().Value, kindBool, true
	case *ast.NullNode:
		d.breaks(path, "has no value: give one, or remove the key")
		return "", "", false
	default:
		d.breaks(path, "must be a single value")
		return "", "", false
	}
	expanded, referred, fault := d.refs.expand(text)
	if fault != "" {
		d.breaks(path, fault)
		return "", "", false
	}
	if referred {
		return expanded, kindReference, true
	}
	return expanded, kindText, true
}

// setScalar reads text into a value and says what is wrong, never repeating the text.
func setScalar(into reflect.Value, text string, written kind) (fault string) {
	isText := written == kindText || written == kindReference
	switch into.Type() {
	case durationType:
		return setDuration(into, text, isText)
	case levelType:
		level, known := levels[text]
		if !known {
			return "must be debug, info, warn or error"
		}
		into.SetInt(int64(level))
		return ""
	case decimalType:
		into.SetString(text)
		return ""
	}
	u, decodesItself := reflect.TypeAssert[encoding.TextUnmarshaler](into.Addr())
	switch {
	case (decodesItself || into.Kind() == reflect.String) && !isText:
		return notText
	case decodesItself:
		if err := u.UnmarshalText([]byte(text)); err != nil {
			if into.Type() == secretType {
				return "is the mask of a secret, not a secret"
			}
			return "is not valid here"
		}
	case into.Kind() == reflect.String:
		into.SetString(text)
	case into.Kind() == reflect.Bool:
		value := strings.ToLower(text)
		if written == kindText || value != "true" && value != "false" {
			return "must be true or false"
		}
		into.SetBool(value == "true")
	case written == kindText:
		return notNumber
	default:
		return setNumber(into, text)
	}
	return ""
}

const (
	notText   = "must be text: put it in quotes"
	notNumber = "must be a number"
	notWhole  = "must be a whole number"
	tooLarge  = "is out of range"
)

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func setDuration(into reflect.Value, text string, isText bool) string {
	value, err := time.ParseDuration(text)
	switch {
	case !isText || err != nil:
		return "must be a duration with its unit, such as 500ms, 5s or 1m30s"
	case value < 0:
		return "must not be negative"
	}
	into.SetInt(int64(value))
	return ""
}

func setNumber(into reflect.Value, text string) string {
	switch into.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		value, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return notWhole
		}
		if !value.IsInt64() || into.OverflowInt(value.Int64()) {
			return tooLarge
		}
		into.SetInt(value.Int64())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		value, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return notWhole
		}
		if !value.IsUint64() || into.OverflowUint(value.Uint64()) {
			return tooLarge
		}
		into.SetUint(value.Uint64())
	case reflect.Float32, reflect.Float64:
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return notNumber
		}
		into.SetFloat(value)
	default:
		return "this setting cannot be made in a file"
	}
	return ""
}
