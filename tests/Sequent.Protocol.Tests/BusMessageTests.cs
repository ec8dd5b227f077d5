using System.Buffers;
using System.Text;
using NUnit.Framework.Constraints;

namespace Sequent.Protocol.Tests;

/// <summary>What the bus sends: the writer and the reader agree, and a newer bus may add to it.</summary>
internal sealed class BusMessageTests
{
    private static readonly Guid Id = Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8057");

    private static readonly WireEvent Event = new("k", 3, 9, "t", """{"b":50.00,"a":"é"}"""u8.ToArray())
    {
        Sender = "V4(127.0.0.1:45837)",
        SessionId = 13835058055282163712,
        Time = new DateTimeOffset(2018, 3, 1, 9, 5, 3, TimeSpan.Zero).AddMicroseconds(123_456),
        Position = 17,
        EventId = Id,
        TraceParent = "p",
        TraceState = "s",
        ContentType = "c",
    };

    [Test]
    public void Hello_and_registration_are_read_as_written()
    {
        var hello = new HelloMessage("1.0", "log", "7", 5, new BusLimits(1, 2, 3, 4, 5), 15_000);
        Assert.That(RoundTrip(o => BusMessageWriter.Write(hello, o)), Is.EqualTo(hello));
        var registration = (RegistrationMessage)RoundTrip(o => BusMessageWriter.Write(new RegistrationMessage("c", ["a"]) { Known = true, Cursor = 4 }, o))!;
        Assert.That((registration.ClientType, registration.EventTypes.Single(), registration.Known, registration.Cursor), Is.EqualTo(("c", "a", (bool?)true, (long?)4)));
    }

    [Test]
    public void A_receipt_is_read_as_written()
    {
        ReceiptEntry[] entries =
        [
            new(ReceiptStatus.Success) { Key = "k", Value = 0, Position = 1, EventId = Id },
            new(ReceiptStatus.Inconsistent) { Key = "k", Value = 5, Expected = 1 },
            new(ReceiptStatus.Duplicate) { Key = "k", Value = 0, Position = 1, EventId = Id, EventType = "t" },
            new(ReceiptStatus.Rejected) { Reason = RejectReasons.ExpectFailed, Checksum = "x" },
        ];
        var read = (ReceiptMessage)RoundTrip(o => BusMessageWriter.Write(new ReceiptMessage(entries, "s", "t") { RequestId = "r" }, o))!;
        Assert.That((read.RequestId, read.Sender, read.Timestamp), Is.EqualTo(("r", "s", "t")));
        Assert.That(read.Receipts, Is.EqualTo(entries));

        var expect = new Dictionary<string, uint?> { ["a"] = 1, ["b"] = null };
        var failed = (ReceiptMessage)RoundTrip(o => BusMessageWriter.Write(new ReceiptMessage([new ReceiptEntry(ReceiptStatus.Rejected) { Expect = expect }], "s", "t"), o))!;
        Assert.That(failed.Receipts[0].Expect, Is.EquivalentTo(expect));
    }

    [Test]
    public void A_delivery_is_read_as_written()
    {
        var read = (EventsMessage)RoundTrip(o =>
        {
            o.Write("{\"message_type\":\"events\",\"events\":["u8);
            EventWriter.AppendDelivery(o, Body(), 12, 2, redelivered: true, redriven: true);
            o.Write("]}"u8);
        })!;
        var delivered = read.Events.Single();
        Assert.That((delivered.Delivery, delivered.Attempt, delivered.Redelivered), Is.EqualTo((12, 2, true)));
        Assert.That(delivered.Redriven, Is.True);
        Assert.That(delivered.Event with { Data = default }, Is.EqualTo(Event with { Data = default }));
        Assert.That(Encoding.UTF8.GetString(delivered.Event.Data.Span), Is.EqualTo("""{"b":50.00,"a":"é"}"""));
    }

    [Test]
    public void A_single_event_may_come_alone()
    {
        var read = (EventsMessage)BusMessageReader.Read("""{"message_type":"event","consistency":{"key":"k","value":1},"correlation_id":1,"data":1,"event_type":"t","delivery":3,"later":{}}"""u8.ToArray())!;
        Assert.That(read.Events.Single().Delivery, Is.EqualTo(3));
    }

    [Test]
    public void A_rebuild_page_is_read_as_written()
    {
        var read = (RebuildMessage)RoundTrip(o =>
        {
            BusMessageWriter.BeginRebuild("q\"", o);
            EventWriter.CloseBody(o, Body());
            BusMessageWriter.EndRebuild(20, last: true, o);
        })!;
        Assert.That((read.RequestId, read.Position, read.Last, read.Events.Single().Position), Is.EqualTo(("q\"", 20, true, 17)));
    }

    [Test]
    public void The_small_messages_are_read_as_written()
    {
        Assert.That(RoundTrip(o => BusMessageWriter.Write(new CaughtUpMessage("q", 4), o)), Is.EqualTo(new CaughtUpMessage("q", 4)));
        Assert.That(((RevokedMessage)RoundTrip(o => BusMessageWriter.Write(new RevokedMessage([1, 2]), o))!).Deliveries, Is.EqualTo(new[] { 1, 2 }));
        Assert.That(((SequencesMessage)RoundTrip(o => BusMessageWriter.Write(new SequencesMessage("s", new Dictionary<string, uint?> { ["a"] = null }), o))!).Values, Has.Count.EqualTo(1));
        var error = new ErrorMessage("c", "m") { RequestId = "r", Path = "$" };
        Assert.That(RoundTrip(o => BusMessageWriter.Write(error, o)), Is.EqualTo(error));
    }

    [Test]
    public void An_unknown_type_is_null_and_a_broken_message_a_fault()
    {
        Assert.That(BusMessageReader.Read("""{"message_type":"from_the_future"}"""u8.ToArray()), Is.Null);
        Assert.That(() => BusMessageReader.Read("""{"message_type":"receipt"}"""u8.ToArray()), Throws.InstanceOf<ProtocolException>());
        Assert.That(() => BusMessageReader.Read("""{"message_type":"receipt","receipts":[{"status":"maybe"}]}"""u8.ToArray()), Throws.InstanceOf<ProtocolException>());
        Assert.That(() => BusMessageReader.Read("[]"u8.ToArray()), Throws.InstanceOf<ProtocolException>());
    }

    private const string Receipt = """{"message_type":"receipt","receipts":[{"status":"success","key":"k"}],"sender":"s","timestamp":"t"}""";
    private const string TypeLast = """{"receipts":[{"status":"success","key":"k"}],"sender":"s","timestamp":"t","message_type":"receipt"}""";

    [Test]
    public void Every_cut_of_a_message_is_malformed([Values(Receipt, TypeLast)] string message)
    {
        for (var length = 0; length < message.Length; length++)
            Assert.That(() => BusMessageReader.Read(Encoding.UTF8.GetBytes(message[..length])), Malformed, message[..length]);
        Assert.That(((ReceiptMessage)BusMessageReader.Read(Encoding.UTF8.GetBytes(message))!).Receipts[0].Key, Is.EqualTo("k"));
    }

    [Test]
    public void What_is_wrong_in_a_message_is_told_as_such_wherever_its_type_stands([Values(Receipt, TypeLast)] string message)
    {
        Assert.That(() => BusMessageReader.Read(Encoding.UTF8.GetBytes(message + "x")), Malformed, "something follows");
        Assert.That(() => BusMessageReader.Read(Encoding.UTF8.GetBytes(message.Replace("\"k\"", "\"\\ud800\"", StringComparison.Ordinal))), Malformed, "half a surrogate");
        Assert.That(() => BusMessageReader.Read(Encoding.UTF8.GetBytes(message.Replace("\"k\"", "\"\u0001\"", StringComparison.Ordinal))), Malformed, "a control character");
        var utf8 = Encoding.UTF8.GetBytes(message);
        utf8[message.IndexOf("\"k\"", StringComparison.Ordinal) + 1] = 0xFF;
        Assert.That(() => BusMessageReader.Read(utf8), Malformed, "no UTF-8");
    }

    [TestCase("""{"message_type":7}""")]
    [TestCase("""{"a":1}""")]
    [TestCase("""{"a":1,"message_type":"error","message_type":"error"}""")]
    [TestCase("7")]
    public void What_has_no_type_is_no_message(string message) =>
        Assert.That(() => BusMessageReader.Read(Encoding.UTF8.GetBytes(message)), Throws.InstanceOf<ProtocolException>().With.Property(nameof(ProtocolException.Code)).EqualTo(ErrorCodes.InvalidMessage));

    [TestCase("2018-03-01T09:05:03.123456Z")]
    [TestCase("2018-03-01T10:05:03.123456+01:00")]
    [TestCase("2018-03-01T09:05:03.123456")]
    [TestCase("2018-03-01 09:05:03.123456Z")]
    public void A_time_is_read_in_every_form_of_iso_8601_that_other_buses_may_print(string time)
    {
        var message = (RebuildMessage)BusMessageReader.Read(Encoding.UTF8.GetBytes($$"""{"message_type":"rebuild","events":[{"consistency":{"key":"k","value":0},"event_type":"t","data":1,"time":"{{time}}","session_id":"18446744073709551615"}],"position":1,"last":true}"""))!;

        Assert.That((message.Events[0].Time, message.Events[0].Time.Offset), Is.EqualTo((new DateTimeOffset(2018, 3, 1, 9, 5, 3, TimeSpan.Zero).AddMicroseconds(123_456), TimeSpan.Zero)));
        Assert.That(message.Events[0].SessionId, Is.EqualTo(ulong.MaxValue));
    }

    private static IResolveConstraint Malformed => Throws.InstanceOf<ProtocolException>().With.Property(nameof(ProtocolException.Code)).EqualTo(ErrorCodes.MalformedJson);

    [Test]
    public void A_v1_event_has_its_fields_in_order_and_canonical_data()
    {
        var text = new ArrayBufferWriter<byte>();
        EventWriter.WriteV1(Event, "event", TimeZoneInfo.Utc, text);
        Assert.That(Encoding.UTF8.GetString(text.WrittenSpan), Is.EqualTo(
            """{"consistency":{"key":"k","value":3},"correlation_id":9,"data":{"a":"é","b":50.0},"event_type":"t","message_type":"event","sender":"V4(127.0.0.1:45837)","session_id":13835058055282163712,"timestamp":"Thu,  1 Mar 2018 09:05:03 +0000","timestamp_raw":1519895103}"""));
    }

    [TestCase(-7, "Thu,  1 Mar 2018 02:05:03 -0700")]
    [TestCase(14, "Thu,  1 Mar 2018 23:05:03 +1400")]
    public void The_time_text_is_in_the_zone_of_the_bus(int hours, string expected) =>
        Assert.That(Rfc2822.Format(Event.Time, TimeZoneInfo.CreateCustomTimeZone("z", TimeSpan.FromHours(hours), "z", "z")), Is.EqualTo(expected));

    private static ReadOnlySpan<byte> Body()
    {
        var body = new ArrayBufferWriter<byte>();
        EventWriter.WriteBody(Event, TimeZoneInfo.Utc, body);
        return body.WrittenSpan;
    }

    private static BusMessage? RoundTrip(Action<ArrayBufferWriter<byte>> write)
    {
        var text = new ArrayBufferWriter<byte>();
        write(text);
        return BusMessageReader.Read(text.WrittenSpan.ToArray());
    }
}
