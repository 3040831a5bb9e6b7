package payments_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"switchyard/payments"
)

// constants returns the string constants of a file by name, those of the given
// type ("" for untyped ones).
func constants(t *testing.T, file, typeName string) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		ident, _ := spec.Type.(*ast.Ident)
		if (ident == nil) != (typeName == "") || ident != nil && ident.Name != typeName {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[spec.Names[0].Name] = text
		}
		return true
	})
	return found
}

func TestCodesAreComplete(t *testing.T) {
	t.Parallel()
	attributions := []payments.Attribution{
		payments.AttributedPSP, payments.AttributedIssuer, payments.AttributedPayer,
		payments.AttributedMerchant, payments.AttributedFraud,
	}
	list := payments.Codes()
	for i, info := range list {
		if i > 0 && list[i-1].Code >= info.Code {
			t.Errorf("%q is not after %q", info.Code, list[i-1].Code)
		}
		if info.Class < payments.ClassCascade || info.Class > payments.ClassChangeCredential {
			t.Errorf("%s has the class %q", info.Code, info.Class)
		}
		if !slices.Contains(attributions, info.Attribution) {
			t.Errorf("%s has the attribution %q", info.Code, info.Attribution)
		}
		if !strings.HasSuffix(info.Message, ".") || strings.ToUpper(info.Message[:1]) != info.Message[:1] {
			t.Errorf("%s has the message %q, want a sentence", info.Code, info.Message)
		}
		if !info.Code.Known() || info.Code.Info() != info {
			t.Errorf("%s is not found", info.Code)
		}
	}

	var inConstants []payments.Code
	for _, text := range constants(t, "code.go", "Code") {
		inConstants = append(inConstants, payments.Code(text))
	}
	slices.Sort(inConstants)
	var inTable []payments.Code
	for _, info := range list {
		inTable = append(inTable, info.Code)
	}
	if !slices.Equal(inConstants, inTable) {
		t.Errorf("constants and table differ:\n%v\n%v", inConstants, inTable)
	}
}

// The classes that a mistake would be dear in, code by code.
func TestCodeClasses(t *testing.T) {
	t.Parallel()
	want := map[payments.Class][]payments.Code{
		payments.ClassUnknown: {
			payments.GatewayTimeout, payments.CardTimeout, payments.CardPending, payments.CardPending3DS, payments.PaymentPending,
			payments.GatewayTransactionPending, payments.GatewayDuplicate, payments.CardDuplicate, payments.GatewayUnknownError,
			payments.GatewayInternalError, payments.CardAcquirerFailed, payments.CardAlreadyCaptured, payments.GatewayInvalidState,
			payments.GatewayInvalidRepeat, payments.GatewayTransactionNotFound,
		},
		payments.ClassNever: {
			payments.CardLost, payments.CardStolen, payments.CardKeepCard, payments.CardBlacklisted, payments.CardPossibleFraud,
			payments.CardSecurityViolation, payments.CardPossibleCounterfeit, payments.CardHighRisk, payments.CardLawViolation,
			payments.GatewayPossibleFraud, payments.RequestTransactionBlocked, payments.CardDontRetry, payments.CardInvalidAccount,
			payments.CardIssuerNotFound, payments.CardRevoked, payments.CardRevokedAll, payments.CardAuthorizationRevoked,
		},
		payments.ClassConfig: {
			payments.GatewayInvalidCredentials, payments.GatewayConfigurationError, payments.GatewayNotAllowed, payments.GatewayBlocked,
			payments.GatewayForbidden, payments.GatewayInvalidMerchant, payments.CardNotSupported, payments.CardTypeNotSupported,
			payments.CardCurrencyUnsupported, payments.GatewayUnsupportedCurrency, payments.CardUnsupported3DS,
		},
		payments.ClassCascade: {
			payments.GatewayNetworkError, payments.GatewayMaintenance, payments.GatewayRateLimitExceeded, payments.GatewayRetry,
			payments.CardNoActionTaken, payments.CardPleaseRetry, payments.CardProcessingError, payments.CardNetworkFailed,
		},
		payments.ClassCascadeOnce: {
			payments.CardDoNotHonor, payments.CardDeclined, payments.PaymentDeclined, payments.GatewayDeclined,
			payments.CardContactBank, payments.CardIssuerDown, payments.CardIssuerFailed,
		},
		payments.ClassStepUp: {payments.CardNeedsAuthentication, payments.CardMissing3DS, payments.CardExpired3DS, payments.CardExemptionDeclined},
		payments.ClassFixData: {
			payments.CardFailed3DS, payments.CardFailedThreeDS, payments.CardExpired, payments.CardFailedCVC, payments.CardFailedAVS,
			payments.CardInvalidNumber, payments.CustomerCanceled, payments.CustomerCancelled, payments.RoutingRulesTransactionBlocked,
		},
		payments.ClassLater: {payments.CardNoMoney, payments.CardExceededLimits, payments.CardExceededActivityLimits, payments.CardMaximumAttempts},
	}
	for class, codes := range want {
		for _, code := range codes {
			if got := code.Info().Class; got != class {
				t.Errorf("%s has class %s, want %s", code, got, class)
			}
		}
	}
}

// Rules that hold over the whole list.
func TestCodeRules(t *testing.T) {
	t.Parallel()
	var hard int
	for _, info := range payments.Codes() {
		movesOn := info.Class == payments.ClassCascade || info.Class == payments.ClassCascadeOnce || info.Class == payments.ClassConfig
		if info.Attribution == payments.AttributedFraud && info.Class != payments.ClassNever {
			t.Errorf("%s is a suspicion of fraud with class %s", info.Code, info.Class)
		}
		if info.Attribution == payments.AttributedPayer && movesOn {
			t.Errorf("%s is the payer's doing and would be tried at the next PSP", info.Code)
		}
		if info.Class == payments.ClassConfig && info.Attribution != payments.AttributedMerchant {
			t.Errorf("%s is a matter of configuration and is attributed to %q", info.Code, info.Attribution)
		}
		for _, word := range []string{"timeout", "pending", "duplicate", "unknown"} {
			if strings.Contains(string(info.Code), word) && info.Class != payments.ClassUnknown {
				t.Errorf("%s has class %s", info.Code, info.Class)
			}
		}
		// A merchant shows the message to whoever holds the card.
		for _, word := range []string{"stolen", "lost", "fraud", "blacklist", "suspect"} {
			if strings.Contains(strings.ToLower(info.Message), word) {
				t.Errorf("%s tells the holder of the card: %q", info.Code, info.Message)
			}
		}
		if info.Hard {
			hard++
			if info.Class != payments.ClassNever && info.Code != payments.GatewayBlocked {
				t.Errorf("%s is hard and has class %s", info.Code, info.Class)
			}
		}
	}
	if hard != 9 {
		t.Errorf("%d codes are hard, want 9", hard)
	}
}

func TestClassString(t *testing.T) {
	t.Parallel()
	if got := payments.ClassNever.String(); got != "F" {
		t.Errorf("String() = %q, want F", got)
	}
}

func TestUnlistedCode(t *testing.T) {
	t.Parallel()
	for _, code := range []payments.Code{"card.invented-tomorrow", "", "zzz", "CARD.LOST"} {
		info := code.Info()
		if code.Known() || info.Code != code || info.Class != payments.ClassCascadeOnce ||
			info.Attribution != payments.AttributedIssuer || info.Hard || info.Message == "" {
			t.Errorf("%q: Known() = %v, Info() = %+v", code, code.Known(), info)
		}
	}
}

func TestCodesIsACopy(t *testing.T) {
	t.Parallel()
	payments.Codes()[0].Class = 'Z'
	if payments.Codes()[0].Class == 'Z' {
		t.Error("a caller can change the list")
	}
}

func TestCodesByCategory(t *testing.T) {
	t.Parallel()
	categories := payments.CodesByCategory()
	for _, name := range []string{"generic", "service", "gateway", "card", "check", "shipping", "customer", "payment", "refund", "wallet", "request"} {
		list, ok := categories[name]
		if !ok || list == nil || !slices.IsSorted(list) {
			t.Errorf("%s: %v", name, list)
		}
		delete(categories, name)
		for _, code := range list {
			if name != "generic" && !strings.HasPrefix(code, name+".") {
				t.Errorf("%s is in %s", code, name)
			}
		}
	}
	if len(categories) != 0 {
		t.Errorf("more categories: %v", categories)
	}

	// Every code is in exactly one list, those of our own API too.
	want := map[string]int{}
	for _, info := range payments.Codes() {
		want[string(info.Code)]++
	}
	for name, code := range constants(t, "error.go", "") {
		if strings.HasPrefix(name, "Code") && !strings.HasPrefix(code, "resource.") {
			want[code]++
		}
	}
	for _, list := range payments.CodesByCategory() {
		for _, code := range list {
			want[code]--
		}
	}
	for code, missing := range want {
		if missing != 0 {
			t.Errorf("%s is %+d times missing", code, missing)
		}
	}
}
