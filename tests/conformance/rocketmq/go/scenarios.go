// Scenarios of RocketMQ's Go client: scenarios NAMESRV BROKER [PATTERN]...
//
// Of each scenario one line: "ok NAME MS" or "FAILED NAME MS: why". Exits with 1 when one failed.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const atATime = 8

var (
	namesrv, broker string
	next            int64
	background      = context.Background()
)

// failure is what a scenario panics with; what a client panics with is told as well.
type failure string

func check(holds bool, format string, arguments ...interface{}) {
	if !holds {
		panic(failure(fmt.Sprintf(format, arguments...)))
	}
}

func must(err error) {
	if err != nil {
		panic(failure(err.Error()))
	}
}

func await(seconds int, what string, condition func() bool) {
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	for !condition() {
		check(time.Now().Before(end), "not within %d s: %s", seconds, what)
		time.Sleep(20 * time.Millisecond)
	}
}

func name(base string) string {
	return fmt.Sprintf("go-%s-%d-%d", base, time.Now().Unix()%1e8, atomic.AddInt64(&next, 1))
}

func resolver() primitive.NsResolver {
	return primitive.NewPassthroughResolver([]string{namesrv})
}

func topic(queues int) string {
	tool, err := admin.NewAdmin(admin.WithResolver(resolver()))
	must(err)
	created := name("topic")
	must(tool.CreateTopic(background, admin.WithTopicCreate(created), admin.WithBrokerAddrCreate(broker),
		admin.WithReadQueueNums(queues), admin.WithWriteQueueNums(queues)))
	await(20, "route of "+created, func() bool {
		found, err := tool.FetchPublishMessageQueues(background, created)
		return err == nil && len(found) == queues
	})
	return created
}

type ends struct{ all []func() error }

func (e *ends) add(end func() error) { e.all = append(e.all, end) }

func (e *ends) run() {
	for i := len(e.all) - 1; i >= 0; i-- {
		_ = e.all[i]()
	}
}

func newProducer(e *ends, options ...producer.Option) rocketmq.Producer {
	group := name("producer")
	p, err := rocketmq.NewProducer(append([]producer.Option{producer.WithNsResolver(resolver()), producer.WithGroupName(group),
		producer.WithInstanceName(group), producer.WithRetry(2)}, options...)...)
	must(err)
	must(p.Start())
	e.add(p.Shutdown)
	return p
}

// inbox collects what a consumer gets.
type inbox struct {
	lock     sync.Mutex
	messages []*primitive.MessageExt
	arrived  map[string]time.Time
	answer   func(*primitive.MessageExt) consumer.ConsumeResult
}

func (b *inbox) take(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	result := consumer.ConsumeSuccess
	for _, message := range messages {
		b.messages = append(b.messages, message)
		if b.arrived == nil {
			b.arrived = map[string]time.Time{}
		}
		b.arrived[string(message.Body)] = time.Now()
		if b.answer != nil {
			result = b.answer(message)
		}
	}
	return result, nil
}

func (b *inbox) bodies() []string {
	b.lock.Lock()
	defer b.lock.Unlock()
	var all []string
	for _, message := range b.messages {
		all = append(all, string(message.Body))
	}
	return all
}

func (b *inbox) sorted() []string {
	all := b.bodies()
	sort.Strings(all)
	return all
}

func (b *inbox) awaitCount(count int, what string) {
	// A broker may take a consumer that has left for one that is still there, if it left right after it came, until 120 s later.
	await(150, fmt.Sprintf("%s: %d messages", what, count), func() bool { return len(b.bodies()) >= count })
}

func consume(e *ends, group, topic string, selector consumer.MessageSelector, b *inbox, options ...consumer.Option) rocketmq.PushConsumer {
	c, err := rocketmq.NewPushConsumer(append([]consumer.Option{consumer.WithNsResolver(resolver()), consumer.WithGroupName(group),
		consumer.WithInstance(name("instance")), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset)}, options...)...)
	must(err)
	must(c.Subscribe(topic, selector, b.take))
	must(c.Start())
	e.add(c.Shutdown)
	return c
}

func send(p rocketmq.Producer, topic, prefix string, count int) []string {
	var bodies []string
	for i := 0; i < count; i++ {
		body := fmt.Sprintf("%s%02d", prefix, i)
		result, err := p.SendSync(background, primitive.NewMessage(topic, []byte(body)))
		must(err)
		check(result.Status == primitive.SendOK, "status %v", result.Status)
		bodies = append(bodies, body)
	}
	return bodies
}

func same(got, want []string) {
	check(strings.Join(got, " ") == strings.Join(want, " "), "got %v, want %v", got, want)
}

var everything = consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}

var scenarios = map[string]func(*ends){
	"send_sync": func(e *ends) {
		t := topic(4)
		p := newProducer(e)
		offsets := map[int]int64{}
		for i := 0; i < 12; i++ {
			result, err := p.SendSync(background, primitive.NewMessage(t, []byte("m")))
			must(err)
			check(result.Status == primitive.SendOK && len(result.MsgID) == 32 && len(result.OffsetMsgID) == 32, "result %v", result)
			check(result.QueueOffset == offsets[result.MessageQueue.QueueId], "queue offset %v", result)
			offsets[result.MessageQueue.QueueId]++
		}
		check(len(offsets) == 4, "queues %v", offsets)
	},
	"send_async_and_one_way": func(e *ends) {
		t := topic(2)
		p := newProducer(e)
		var wait sync.WaitGroup
		var failed atomic.Value
		for i := 0; i < 20; i++ {
			wait.Add(1)
			must(p.SendAsync(background, func(_ context.Context, _ *primitive.SendResult, err error) {
				if err != nil {
					failed.Store(err.Error())
				}
				wait.Done()
			}, primitive.NewMessage(t, []byte(fmt.Sprint("async", i)))))
		}
		wait.Wait()
		check(failed.Load() == nil, "%v", failed.Load())
		for i := 0; i < 10; i++ {
			must(p.SendOneWay(background, primitive.NewMessage(t, []byte(fmt.Sprint("oneway", i)))))
		}
		b := &inbox{}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(30, "of both kinds")
	},
	"send_batch": func(e *ends) {
		t := topic(2)
		p := newProducer(e)
		var batch []*primitive.Message
		for i := 0; i < 10; i++ {
			batch = append(batch, primitive.NewMessage(t, []byte(fmt.Sprint("m", i))).WithTag("Tag").WithKeys([]string{fmt.Sprint("key", i)}))
		}
		result, err := p.SendSync(background, batch...)
		must(err)
		check(len(strings.Split(result.OffsetMsgID, ",")) == 10, "offset ids %v", result.OffsetMsgID)
		b := &inbox{}
		consume(e, name("group"), t, consumer.MessageSelector{Type: consumer.TAG, Expression: "Tag"}, b)
		b.awaitCount(10, "the batch")
		same(b.sorted(), []string{"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"})
	},
	"send_compressed": func(e *ends) {
		t := topic(1)
		body := bytes.Repeat([]byte("compress me "), 10000)
		_, err := newProducer(e).SendSync(background, primitive.NewMessage(t, body))
		must(err)
		b := &inbox{}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(1, "the large one")
		check(bytes.Equal(b.messages[0].Body, body), "another body")
		check(b.messages[0].StoreSize < 10000, "it is stored in %d octets", b.messages[0].StoreSize)
	},
	"send_creates_topic": func(e *ends) {
		t := name("created-by-send")
		sent := send(newProducer(e), t, "m", 4)
		b := &inbox{}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(4, "of a topic made by sending")
		same(b.sorted(), sent)
	},
	"push_keeps_everything": func(e *ends) {
		t := topic(1)
		message := primitive.NewMessage(t, []byte("body é 消息")).WithTag("Tag").WithKeys([]string{"one", "two"})
		message.WithProperty("colour", "rød")
		message.Flag = 77
		result, err := newProducer(e).SendSync(background, message)
		must(err)
		b := &inbox{}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(1, "the message")
		got := b.messages[0]
		check(string(got.Body) == "body é 消息" && got.GetTags() == "Tag" && got.GetKeys() == "one two" && got.GetProperty("colour") == "rød" &&
			got.Flag == 77, "got %v", got)
		check(got.MsgId == result.MsgID && got.OffsetMsgId == result.OffsetMsgID && got.QueueOffset == 0, "ids of %v, sent %v", got, result)
	},
	"push_clustering": func(e *ends) {
		t := topic(4)
		group := name("group")
		one, two := &inbox{}, &inbox{}
		consume(e, group, t, everything, one)
		consume(e, group, t, everything, two)
		p := newProducer(e)
		rounds := 0
		await(90, "both have messages", func() bool {
			send(p, t, fmt.Sprintf("m%03d-", rounds), 8)
			rounds++
			return len(one.bodies()) > 0 && len(two.bodies()) > 0
		})
		await(60, "all messages", func() bool { return len(one.bodies())+len(two.bodies()) >= 8*rounds })
	},
	"push_broadcast": func(e *ends) {
		t := topic(2)
		group := name("group")
		one, two := &inbox{}, &inbox{}
		send(newProducer(e), t, "m", 10)
		for _, b := range []*inbox{one, two} {
			consume(e, group, t, everything, b, consumer.WithConsumerModel(consumer.BroadCasting))
		}
		one.awaitCount(10, "the first")
		two.awaitCount(10, "the second")
	},
	"push_tags": func(e *ends) {
		t := topic(2)
		p := newProducer(e)
		for i := 0; i < 12; i++ {
			_, err := p.SendSync(background, primitive.NewMessage(t, []byte(fmt.Sprintf("m%02d", i))).WithTag(string(rune('A'+i%3))))
			must(err)
		}
		b := &inbox{}
		consume(e, name("group"), t, consumer.MessageSelector{Type: consumer.TAG, Expression: "A || C"}, b)
		b.awaitCount(8, "tags A and C")
		same(b.sorted(), []string{"m00", "m02", "m03", "m05", "m06", "m08", "m09", "m11"})
	},
	"push_sql": func(e *ends) {
		t := topic(1)
		p := newProducer(e)
		for i := 0; i < 10; i++ {
			message := primitive.NewMessage(t, []byte(fmt.Sprint("m", i)))
			message.WithProperty("a", fmt.Sprint(i))
			_, err := p.SendSync(background, message)
			must(err)
		}
		b := &inbox{}
		consume(e, name("group"), t, consumer.MessageSelector{Type: consumer.SQL92, Expression: "a BETWEEN 3 AND 5"}, b)
		b.awaitCount(3, "a between 3 and 5")
		same(b.sorted(), []string{"m3", "m4", "m5"})
	},
	"push_orderly": func(e *ends) {
		t := topic(4)
		p := newProducer(e, producer.WithQueueSelector(producer.NewHashQueueSelector()))
		var want []string
		for i := 0; i < 20; i++ {
			for key := 0; key < 3; key++ {
				_, err := p.SendSync(background, primitive.NewMessage(t, []byte(fmt.Sprintf("%d:%02d", key, i))).WithShardingKey(fmt.Sprint(key)))
				must(err)
			}
			want = append(want, fmt.Sprintf("%02d", i))
		}
		b := &inbox{}
		consume(e, name("group"), t, everything, b, consumer.WithConsumerOrder(true))
		b.awaitCount(60, "ordered messages")
		for key := 0; key < 3; key++ {
			var got []string
			for _, body := range b.bodies() {
				if strings.HasPrefix(body, fmt.Sprint(key, ":")) {
					got = append(got, body[2:])
				}
			}
			same(got, want)
		}
	},
	"push_retry": func(e *ends) {
		t := topic(1)
		send(newProducer(e), t, "m", 1)
		b := &inbox{}
		b.answer = func(message *primitive.MessageExt) consumer.ConsumeResult {
			if message.ReconsumeTimes == 0 {
				return consumer.ConsumeRetryLater
			}
			return consumer.ConsumeSuccess
		}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(2, "a second time")
		check(b.messages[1].ReconsumeTimes == 1 && b.messages[1].Topic == t && b.messages[1].MsgId == b.messages[0].MsgId, "got %v", b.messages[1])
	},
	"offsets_survive_restart": func(e *ends) {
		t := topic(2)
		group := name("group")
		p := newProducer(e)
		send(p, t, "old", 10)
		one := &inbox{}
		c := consume(e, group, t, everything, one)
		one.awaitCount(10, "the first consumer")
		must(c.Shutdown())
		want := send(p, t, "new", 10)
		two := &inbox{}
		consume(e, group, t, everything, two)
		two.awaitCount(10, "the second consumer")
		same(two.sorted(), want)
	},
	"delay_level": func(e *ends) {
		t := topic(1)
		began := time.Now()
		_, err := newProducer(e).SendSync(background, primitive.NewMessage(t, []byte("late")).WithDelayTimeLevel(2))
		must(err)
		b := &inbox{}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(1, "the delayed one")
		check(b.arrived["late"].Sub(began) >= 4900*time.Millisecond, "it came after %v", b.arrived["late"].Sub(began))
	},
	"timer": func(e *ends) {
		t := topic(1)
		began := time.Now()
		_, err := newProducer(e).SendSync(background, primitive.NewMessage(t, []byte("late")).WithDelayTimestamp(began.Add(4*time.Second)))
		must(err)
		b := &inbox{}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(1, "the timed one")
		check(b.arrived["late"].Sub(began) >= 2900*time.Millisecond, "it came after %v", b.arrived["late"].Sub(began))
	},
	"transactions": func(e *ends) {
		t := topic(1)
		group := name("producer")
		listener := &decider{}
		p, err := rocketmq.NewTransactionProducer(listener, producer.WithNsResolver(resolver()), producer.WithGroupName(group),
			producer.WithInstanceName(group))
		must(err)
		must(p.Start())
		e.add(p.Shutdown)
		for _, body := range []string{"commit", "rollback", "unknown-commit", "unknown-rollback"} {
			_, err := p.SendMessageInTransaction(background, primitive.NewMessage(t, []byte(body)))
			must(err)
		}
		b := &inbox{}
		consume(e, name("group"), t, everything, b)
		b.awaitCount(2, "what was committed")
		await(60, "asked about both", func() bool { return atomic.LoadInt32(&listener.asked) >= 2 })
		_, err = p.SendMessageInTransaction(background, primitive.NewMessage(t, []byte("commit-last")))
		must(err)
		b.awaitCount(3, "the last one")
		same(b.sorted(), []string{"commit", "commit-last", "unknown-commit"})
	},
	"pull": func(e *ends) {
		t := topic(1)
		sent := send(newProducer(e), t, "m", 10)
		group := name("group")
		c, err := rocketmq.NewPullConsumer(consumer.WithNsResolver(resolver()), consumer.WithGroupName(group), consumer.WithInstance(group),
			consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
		must(err)
		must(c.Subscribe(t, everything))
		must(c.Start())
		e.add(c.Shutdown)
		var got []string
		await(60, "all by Poll", func() bool {
			request, err := c.Poll(background, time.Second)
			if err == nil {
				for _, message := range request.GetMsgList() {
					got = append(got, string(message.Body))
				}
				c.ACK(background, request, consumer.ConsumeSuccess)
			}
			return len(got) >= 10
		})
		sort.Strings(got)
		same(got, sent)
		queue := &primitive.MessageQueue{Topic: t, BrokerName: "broker-a", QueueId: 0}
		result, err := c.PullFrom(background, queue, 5, 3)
		must(err)
		check(result.Status == primitive.PullFound && len(result.GetMessageExts()) == 3 && result.NextBeginOffset == 8, "pulled %v", result)
		offset, err := c.OffsetForTimestamp(queue, 0)
		must(err)
		check(offset == 0, "offset for time 0: %d", offset)
	},
	"request_and_reply": func(e *ends) {
		t := topic(1)
		replies := newProducer(e)
		b := &inbox{}
		b.answer = func(message *primitive.MessageExt) consumer.ConsumeResult {
			reply, err := consumer.CreateReplyMessage(message, nil)
			if err == nil {
				reply.Body = []byte("reply to " + string(message.Body)) // which the client forgets to put there
				_, _ = replies.SendSync(background, reply)
			}
			return consumer.ConsumeSuccess
		}
		consume(e, name("group"), t, everything, b)
		p := newProducer(e)
		var reply *primitive.Message
		await(90, "a reply", func() bool { // which finds the producer only once its heartbeat made it known to the broker
			var err error
			reply, err = p.Request(background, 3*time.Second, primitive.NewMessage(t, []byte("request")))
			return err == nil
		})
		check(string(reply.Body) == "reply to request", "reply %s", reply.Body)
	},
	"topic_list": func(e *ends) {
		t := topic(1)
		tool, err := admin.NewAdmin(admin.WithResolver(resolver()))
		must(err)
		list, err := tool.FetchAllTopicList(background)
		must(err)
		check(strings.Contains(" "+strings.Join(list.TopicList, " ")+" ", " "+t+" "), "%s is not in the list", t)
		groups, err := tool.GetAllSubscriptionGroup(background, broker, 5*time.Second)
		must(err)
		check(len(groups.SubscriptionGroupTable) > 0, "no groups")
		must(tool.DeleteTopic(background, admin.WithTopicDelete(t), admin.WithBrokerAddrDelete(broker)))
	},
}

// decider commits or rolls back by the body, what begins with "unknown-" only when it is asked.
type decider struct{ asked int32 }

func (d *decider) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	switch {
	case strings.HasPrefix(string(message.Body), "commit"):
		return primitive.CommitMessageState
	case strings.HasPrefix(string(message.Body), "rollback"):
		return primitive.RollbackMessageState
	}
	return primitive.UnkonwnState
}

func (d *decider) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	atomic.AddInt32(&d.asked, 1)
	if strings.HasSuffix(string(message.Body), "commit") {
		return primitive.CommitMessageState
	}
	return primitive.RollbackMessageState
}

func run(scenario string) (why string) {
	e := &ends{}
	defer e.run()
	defer func() {
		if r := recover(); r != nil {
			why = strings.ReplaceAll(fmt.Sprint(r), "\n", " | ")
		}
	}()
	scenarios[scenario](e)
	return ""
}

func main() {
	namesrv, broker = os.Args[1], os.Args[2]
	patterns := os.Args[3:]
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	rlog.SetLogLevel("error")
	_ = rlog.SetOutputPath(os.DevNull)
	var names []string
	for scenario := range scenarios {
		for _, pattern := range patterns {
			if matches, _ := path.Match(pattern, scenario); matches {
				names = append(names, scenario)
				break
			}
		}
	}
	sort.Strings(names)
	var failed int32
	var wait sync.WaitGroup
	slots := make(chan struct{}, atATime)
	for _, scenario := range names {
		wait.Add(1)
		slots <- struct{}{}
		go func(scenario string) {
			defer wait.Done()
			began := time.Now()
			why := run(scenario)
			if why == "" {
				fmt.Printf("ok %s %d\n", scenario, time.Since(began).Milliseconds())
			} else {
				atomic.AddInt32(&failed, 1)
				fmt.Printf("FAILED %s %d: %s\n", scenario, time.Since(began).Milliseconds(), why)
			}
			<-slots
		}(scenario)
	}
	wait.Wait()
	if failed > 0 {
		os.Exit(1)
	}
}
