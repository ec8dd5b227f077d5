using System.Buffers;
using System.Text;

namespace Sequent.Protocol.Tests;

/// <summary>What clients send: the writer and the reader agree, and the reader takes what the original took and nothing else.</summary>
internal sealed class ClientMessageTests
{
    private static readonly Guid Id = Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8057");

    private static IEnumerable<ClientMessage> Messages()
    {
        yield return new RegisterMessage("accounts", ["a", "b"]) { Instance = "one", MaxInFlight = 10, MaxInFlightPerKey = 2, Start = StartPosition.Earliest };
        yield return new RegisterMessage("", []) { Start = StartPosition.Latest };
        yield return new RegisterMessage("x", ["*"]) { Start = StartPosition.After(7, "log") };
        yield return new AckMessage { UpTo = 12 };
        yield return new NackMessage(3) { DelayMs = 100, Reason = "later", DeadLetter = true };
        yield return new NackMessage(3);
        yield return new MoreMessage("q", 4);
        yield return new CancelMessage("q");
        yield return new QueryMessage();
    }

    [TestCaseSource(nameof(Messages))]
    public void A_message_is_read_as_it_was_written(ClientMessage message)
    {
        var read = RoundTrip(message);
        Assert.That(Text(read), Is.EqualTo(Text(message)));
        Assert.That(read.GetType(), Is.EqualTo(message.GetType()));
    }

    [Test]
    public void A_new_is_read_as_it_was_written()
    {
        var message = new NewMessage([
            new NewEvent("k", 7, 9, "t", """{"a":[1,2.50]}"""u8.ToArray()) { EventId = Id, TraceParent = "p", TraceState = "s", ContentType = "c" },
            new NewEvent("é\"\u0001", null, uint.MaxValue, "", "null"u8.ToArray())])
        {
            RequestId = "r",
            Atomic = true,
            Expect = new Dictionary<string, uint?> { ["x"] = 3, ["y"] = null },
        };
        var read = (NewMessage)RoundTrip(message);
        Assert.That((read.RequestId, read.Atomic), Is.EqualTo(("r", true)));
        Assert.That(read.Expect, Is.EquivalentTo(message.Expect));
        Assert.That(read.Events.Select(e => e with { Data = default }), Is.EqualTo(message.Events.Select(e => e with { Data = default })));
        Assert.That(read.Events.Select(e => Encoding.UTF8.GetString(e.Data.Span)), Is.EqualTo(new[] { """{"a":[1,2.50]}""", "null" }));
    }

    [Test]
    public void A_query_is_read_as_it_was_written()
    {
        var message = new QueryMessage
        {
            RequestId = "q",
            EventTypes = ["a"],
            Since = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2)),
            LogId = "log",
            After = 1,
            Until = 9,
            Keys = ["k"],
            Limit = 5,
            PageSize = 2,
            Credit = 3,
        };
        var read = (QueryMessage)RoundTrip(message);
        Assert.That(read with { EventTypes = null, Keys = null }, Is.EqualTo(message with { EventTypes = null, Keys = null }));
        Assert.That((read.EventTypes, read.Keys), Is.EqualTo((message.EventTypes, message.Keys)));
        Assert.That(((QueryMessage)RoundTrip(new QueryMessage { EventIds = [Id] })).EventIds, Is.EqualTo(new[] { Id }));
        Assert.That(((SequenceMessage)RoundTrip(new SequenceMessage("s", ["a", "b"]))).Keys, Is.EqualTo(new[] { "a", "b" }));
        Assert.That(((AckMessage)RoundTrip(new AckMessage { Deliveries = [1, 5] })).Deliveries, Is.EqualTo(new[] { 1, 5 }));
    }

    [Test]
    public void Fields_come_in_any_order_and_unknown_ones_are_ignored()
    {
        var message = (RegisterMessage)Read("""{"x":{"deep":[1,{}]},"event_types":["a"],"x":2,"client_type":"c","message_type":"register","max_in_flight":"v2 only"}""", ProtocolVersion.V1);
        Assert.That((message.ClientType, message.EventTypes.Single(), message.MaxInFlight), Is.EqualTo(("c", "a", (int?)null)));
    }

    [Test]
    public void Data_is_a_slice_of_the_message_unchanged()
    {
        var message = (NewMessage)Read("""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":0,"data": { "b" : 1.00 } ,"event_type":"t"}]}""", ProtocolVersion.V1);
        Assert.That(Encoding.UTF8.GetString(message.Events[0].Data.Span), Is.EqualTo("""{ "b" : 1.00 }"""));
    }

    [TestCase("2010-06-09T15:20:00-07:00", "2010-06-09T22:20:00.0000000+00:00")]
    [TestCase("2010-06-09t15:20:00.123456789z", "2010-06-09T15:20:00.1234567+00:00")]
    [TestCase("1970-01-01T00:00:00+00:00", "1970-01-01T00:00:00.0000000+00:00")]
    public void Since_is_rfc_3339_with_an_offset(string since, string expected)
    {
        var query = (QueryMessage)Read($$"""{"message_type":"query","event_types":[],"since":"{{since}}"}""", ProtocolVersion.V1);
        Assert.That(query.Since!.Value.ToUniversalTime().ToString("O", System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(expected));
    }

    [TestCase("2010-06-09")]
    [TestCase("2010-06-09T15:20:00")]
    [TestCase("2010-13-09T15:20:00Z")]
    [TestCase("2010-06-09 15:20:00Z")]
    [TestCase("")]
    public void Since_without_offset_or_time_is_refused(string since) =>
        Assert.That(() => Read($$"""{"message_type":"query","event_types":[],"since":"{{since}}"}""", ProtocolVersion.V1), Fault(ErrorCodes.InvalidMessage, "$.since"));

    [Test]
    public void A_wildcard_in_a_query_is_one_in_v2_only()
    {
        const string Text = """{"message_type":"query","event_types":["*"],"since":"*"}""";
        Assert.That(((QueryMessage)Read(Text, ProtocolVersion.V1)).EventTypes, Is.EqualTo(new[] { "*" }));
        Assert.That(((QueryMessage)Read(Text, ProtocolVersion.V2)).EventTypes, Is.Null);
    }

    [TestCase("""{"message_type":"register","client_type":"c","event_types":["a",1]}""", "$.event_types[1]")]
    [TestCase("""{"message_type":"register","client_type":"c","event_types":["a"],"event_types":[]}""", "$.event_types")]
    [TestCase("""{"message_type":"register","client_type":"c","event_types":["a"],"max_in_flight":0}""", "$.max_in_flight")]
    [TestCase("""{"message_type":"register","client_type":"c","event_types":["a"],"start":"middle"}""", "$.start")]
    [TestCase("""{"message_type":"register","client_type":"c","event_types":["a"],"start":{"position":1}}""", "$.start.log_id")]
    [TestCase("""{"message_type":"new","events":[{"consistency":{"key":1},"correlation_id":0,"data":1,"event_type":"t"}]}""", "$.events[0].consistency.key")]
    [TestCase("""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":0,"data":1,"event_type":"t"},{"consistency":{"key":"k"},"correlation_id":1.0,"data":1,"event_type":"t"}]}""", "$.events[1].correlation_id")]
    [TestCase("""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":0,"event_type":"t"}]}""", "$.events[0].data")]
    [TestCase("""{"message_type":"new","events":[{"consistency":["k",1],"correlation_id":0,"data":1,"event_type":"t"}]}""", "$.events[0].consistency")]
    [TestCase("""{"message_type":"new","events":{}}""", "$.events")]
    [TestCase("""{"message_type":"ack"}""", "$")]
    [TestCase("""{"message_type":"ack","up_to":1,"deliveries":[1]}""", "$")]
    [TestCase("""{"message_type":"ack","deliveries":[0]}""", "$.deliveries[0]")]
    [TestCase("""{"message_type":"nack","delivery":1,"delay_ms":3600001}""", "$.delay_ms")]
    [TestCase("""{"message_type":"more","request_id":"q","pages":0}""", "$.pages")]
    [TestCase("""{"message_type":"sequence","keys":[]}""", "$.request_id")]
    [TestCase("""{"message_type":"query","after":9007199254740992}""", "$.after")]
    [TestCase("""{"message_type":"query","follow":true}""", "$.request_id")]
    [TestCase("""{"message_type":"query","event_ids":[],"keys":[]}""", "$.event_ids")]
    [TestCase("""{"message_type":1}""", "$.message_type")]
    [TestCase("""{"a":1}""", "$.message_type")]
    [TestCase("""{"message_type":"new","message_type":"new","events":[]}""", "$.message_type")]
    public void A_fault_names_its_place(string text, string path) =>
        Assert.That(() => Read(text, ProtocolVersion.V2), Fault(ErrorCodes.InvalidMessage, path));

    [TestCase("""{"message_type":"registration"}""")]
    [TestCase("""{"message_type":"nothing"}""")]
    public void A_type_no_client_may_send_is_unknown(string text) =>
        Assert.That(() => Read(text, ProtocolVersion.V2), Fault(ErrorCodes.UnknownMessageType, "$.message_type"));

    [Test]
    public void Data_may_nest_124_deep_within_a_message_and_no_deeper()
    {
        static string New(int depth) => $$"""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":0,"event_type":"t","data":{{new string('[', depth)}}{{new string(']', depth)}}}]}""";
        Assert.That(() => Read(New(124), ProtocolVersion.V1), Throws.Nothing);
        Assert.That(() => Read(New(125), ProtocolVersion.V1), Fault(ErrorCodes.MalformedJson, null));
    }

    [Test]
    public void A_v1_ack_needs_only_the_sequence_pair()
    {
        Assert.That(Read("""{"message_type":"ack","consistency":{"key":"k","value":"3"},"session_id":1.5}""", ProtocolVersion.V1), Is.EqualTo(new EventAckMessage("k", 3)));
        Assert.That(() => Read("""{"message_type":"ack","consistency":{"key":"k"}}""", ProtocolVersion.V1), Fault(ErrorCodes.InvalidMessage, "$.consistency.value"));
        Assert.That(() => ClientMessageWriter.Write(new EventAckMessage("k", 3), new ArrayBufferWriter<byte>()), Throws.ArgumentException);
    }

    [Test]
    public void The_request_id_of_a_faulty_message_is_told()
    {
        Assert.That(() => Read("""{"request_id":"r","message_type":"new"}""", ProtocolVersion.V2), Throws.InstanceOf<ProtocolException>().With.Property("RequestId").EqualTo("r"));
        Assert.That(() => Read($$"""{"request_id":"{{new string('r', 129)}}","message_type":"query"}""", ProtocolVersion.V2), Fault(ErrorCodes.InvalidMessage, "$.request_id"));
    }

    private static NUnit.Framework.Constraints.EqualStringConstraint Fault(string code, string? path) =>
        Throws.InstanceOf<ProtocolException>().With.Property("Code").EqualTo(code).And.Property("Path").EqualTo(path);

    private static ClientMessage Read(string text, ProtocolVersion version) => ClientMessageReader.Read(Encoding.UTF8.GetBytes(text), version);

    private static ClientMessage RoundTrip(ClientMessage message) => Read(Text(message), ProtocolVersion.V2);

    private static string Text(ClientMessage message)
    {
        var text = new ArrayBufferWriter<byte>();
        ClientMessageWriter.Write(message, text);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
