package sims_test
import ("testing";"runtime";"fmt";"time")
func TestZZ(t *testing.T){
 b := start(t)
 b.receiver("processout",0)
 m:=func() uint64 { runtime.GC(); runtime.GC(); var s runtime.MemStats; runtime.ReadMemStats(&s); return s.HeapAlloc }
 a:=m(); t0:=time.Now()
 for i:=range 500 { p:=paymongo{b}; in:=p.intent(fmt.Sprint("p",i),10000,"manual",nil); k:=fmt.Sprint("k",i); p.keyed("POST","/payment_intents/"+in+"/attach",obj{"payment_method":p.method("4242424242424242")},k); p.keyed("POST","/payment_intents/"+in+"/capture",nil,k+"c") }
 c:=m(); t.Log("paymongo", (c-a)/1024, "KiB", time.Since(t0)); t0=time.Now()
 for i:=range 500 { p:=processout{b}; iv:=p.invoice(fmt.Sprint("q",i),"10","USD",nil); p.pay(iv,"authorize",obj{"source":p.card("4242424242424242")}); p.pay(iv,"capture",nil); p.pay(iv,"refunds",nil) }
 d:=m(); t.Log("processout", (d-c)/1024, "KiB", time.Since(t0)); t0=time.Now()
 for i:=range 500 { x:=xendit{b}; r:=x.pay(fmt.Sprint("x",i),"100","PHP","4242424242424242",obj{"capture_method":"MANUAL"}); x.call("POST","/v3/payments/"+r.text("latest_payment_id")+"/capture",nil) }
 e:=m(); t.Log("xendit", (e-d)/1024, "KiB", time.Since(t0))
 runtime.KeepAlive(b)
}
