using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v1, section 11: query and rebuild.</summary>
internal sealed class V1QueryTests : WireTest
{
    [Test]
    public async Task A_query_is_answered_by_one_rebuild_in_log_order()
    {
        await using var client = await Bus.ConnectV1Async();
        for (var i = 0; i < 1_200; i++)
            await client.SendAsync($$"""{"events":[{{WireClient.EventText($"k{i % 7}", type: i % 2 == 0 ? "even" : "odd", data: $"{i}")}}],"message_type":"new"}""");
        for (var i = 0; i < 1_200; i++)
            await client.ReceiveAsync("receipt");
        await client.SendAsync("""{"event_types":["even"],"message_type":"query","since":"*"}""");
        var events = (await client.ReceiveAsync("rebuild"))["events"]!.AsArray();
        Assert.That(events.Select(e => (int)e!["data"]!), Is.EqualTo(Enumerable.Range(0, 600).Select(i => i * 2)));
        Assert.That((string?)events[0]!["message_type"], Is.EqualTo("rebuild"));
    }

    [TestCase("[\"*\"]")]
    [TestCase("[]")]
    public async Task A_query_knows_no_wildcard(string types)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.PublishAsync("k");
        await client.SendAsync($$"""{"event_types":{{types}},"message_type":"query","since":"1970-01-01T00:00:00+00:00"}""");
        Assert.That((await client.ReceiveAsync("rebuild"))["events"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Since_is_strict_and_in_whole_seconds()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.RegisterAsync("a");
        await client.PublishAsync("k");
        var second = (long)(await client.ReceiveAsync("event"))["timestamp_raw"]!;
        async Task<int> CountSince(long unix)
        {
            var since = DateTimeOffset.FromUnixTimeSeconds(unix).ToString("yyyy-MM-ddTHH:mm:ss.999999+00:00", System.Globalization.CultureInfo.InvariantCulture);
            await client.SendAsync($$"""{"event_types":["deposit"],"message_type":"query","since":"{{since}}"}""");
            return (await client.ReceiveAsync("rebuild"))["events"]!.AsArray().Count;
        }

        Assert.That(await CountSince(second), Is.Zero);
        Assert.That(await CountSince(second - 1), Is.EqualTo(1));
    }

    [TestCase("\"*\"", 1)]
    [TestCase("\"1970-01-01T00:00:00Z\"", 1)]
    [TestCase("\"1970-01-01t00:00:00.123456789z\"", 1)]
    [TestCase("\"2010-06-09T15:20:00-07:00\"", 1)]
    [TestCase("\"9999-12-31T23:59:59Z\"", 0)]
    public async Task Since_is_a_star_or_a_time_with_its_offset(string since, int found)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.PublishAsync("k");
        await client.SendAsync($$"""{"event_types":["deposit"],"message_type":"query","since":{{since}}}""");
        Assert.That((await client.ReceiveAsync("rebuild"))["events"]!.AsArray(), Has.Count.EqualTo(found));
    }

    [TestCase(",\"since\":\"2010-06-09\"")]
    [TestCase(",\"since\":\"2010-06-09T15:20:00\"")]
    [TestCase(",\"since\":1276121999")]
    [TestCase(",\"since\":null")]
    [TestCase("")]
    public async Task Any_other_since_gets_no_rebuild(string since)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"event_types":["deposit"],"message_type":"query"{{since}}}""");
        await client.ReceiveAsync("error");
    }

    [Test]
    public async Task A_query_sees_what_was_receipted_and_names_are_only_names()
    {
        await using var client = await Bus.ConnectV1Async();
        for (var i = 1; i <= 20; i++)
        {
            await client.PublishAsync("k", type: "a\\\" OR 1=1 --");
            await client.SendAsync("""{"event_types":["a\" OR 1=1 --"],"message_type":"query","since":"*"}""");
            Assert.That((await client.ReceiveAsync("rebuild"))["events"]!.AsArray(), Has.Count.EqualTo(i));
        }
    }

    [Test]
    public async Task Events_of_a_rebuild_have_all_nine_fields_and_change_nothing()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.PublishAsync("k");
        await client.SendAsync("""{"event_types":["deposit"],"message_type":"query","since":"*"}""");
        var e = (await client.ReceiveAsync("rebuild"))["events"]![0]!.AsObject();
        Assert.That(e.Select(p => p.Key), Is.EquivalentTo(new[] { "consistency", "correlation_id", "data", "event_type", "message_type", "sender", "session_id", "timestamp", "timestamp_raw" }));
        Assert.That((string?)e["message_type"], Is.EqualTo("rebuild"));
    }
}
