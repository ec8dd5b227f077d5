using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2, reading: snapshots beside somebody who writes, and answers too long to be held at once.</summary>
internal sealed class V2LongReadTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(1)); // nothing happens because time goes by

    private BusUnderTest _bus = null!;
    private WireClient _writer = null!;
    private WireClient _reader = null!;

    [SetUp]
    public async Task Start()
    {
        _bus = await BusUnderTest.StartAsync(null, _time);
        _writer = await _bus.ConnectV2Async();
        _reader = await _bus.ConnectV2Async();
    }

    [TearDown]
    public async Task Stop()
    {
        await _writer.DisposeAsync();
        await _reader.DisposeAsync();
        await _bus.DisposeAsync();
    }

    private static string Event(string key) => $$"""{"consistency":{"key":"{{key}}"},"correlation_id":1,"data":1,"event_type":"t"}""";

    private async Task PublishAsync(IEnumerable<string> keys)
    {
        foreach (var chunk in keys.Chunk(10_000))
        {
            await _writer.SendAsync($$"""{"message_type":"new","events":[{{string.Join(',', chunk.Select(Event))}}]}""");
            await _writer.ReceiveAsync("receipt");
        }
    }

    private async Task<List<JsonObject>> QueryAsync(string rest)
    {
        await _reader.SendAsync($$"""{"message_type":"query","request_id":"q","credit":1000000{{rest}}}""");
        var found = new List<JsonObject>();
        JsonObject page;
        do
        {
            page = await _reader.ReceiveAsync("rebuild");
            found.AddRange(page["events"]!.AsArray().Select(e => e!.AsObject()));
        }
        while (!(bool)page["last"]!);
        return found;
    }

    [Test]
    public async Task Several_keys_are_one_snapshot_however_much_is_written_beside()
    {
        string[] keys = ["a", "b", "c", "d"];
        using var enough = new CancellationTokenSource();
        var writing = WriteAsync();
        try
        {
            for (var round = 0; round < 30; round++)
            {
                var events = await QueryAsync($",\"page_size\":3,\"keys\":[{string.Join(',', keys.Select(k => $"\"{k}\""))}]");
                var counts = events.GroupBy(e => (string?)e["consistency"]!["key"]).Select(g => g.Count()).ToArray();
                Assert.That(counts.Distinct().Count(), Is.LessThanOrEqualTo(1), "every batch is whole, or not there");
                await _reader.SendAsync("""{"message_type":"sequence","request_id":"s","keys":["a","b","c","d"]}""");
                var values = (await _reader.ReceiveAsync("sequences"))["values"]!.AsObject().Select(v => (long?)v.Value);
                Assert.That(values.Distinct().Count(), Is.EqualTo(1));
            }
        }
        finally
        {
            enough.Cancel();
        }

        Assert.That(await writing, Is.Positive);

        async Task<int> WriteAsync()
        {
            var batches = 0;
            for (; !enough.IsCancellationRequested && batches < 2_000; batches++)
            {
                await _writer.SendAsync($$"""{"message_type":"new","atomic":true,"events":[{{string.Join(',', keys.Select(Event))}}]}""");
                await _writer.ReceiveAsync("receipt");
            }

            return batches;
        }
    }

    [Test]
    public async Task More_events_of_several_keys_than_are_held_at_once_come_all_and_in_order([Values("asc", "desc")] string order)
    {
        // 72,000 of the long key, 3,000 of the others, and some that nobody asks for.
        string[] round = [.. Enumerable.Repeat("long", 24), "x", "noise"];
        await PublishAsync(Enumerable.Range(0, 3_000).SelectMany(_ => round));
        var events = await QueryAsync($",\"order\":\"{order}\",\"keys\":[\"x\",\"long\",\"none\"]");
        var expected = Enumerable.Range(0, 3_000 * round.Length).Where(i => round[i % round.Length] != "noise").Select(i => i + 1L);
        Assert.That(events.Select(e => (long)e["position"]!), Is.EqualTo(order == "asc" ? expected : expected.Reverse()));
    }

    [Test]
    public async Task A_follow_that_finds_nothing_tells_how_far_it_is_every_100_000_positions()
    {
        await _reader.SendAsync("""{"message_type":"query","request_id":"f","follow":true,"event_types":["none"],"credit":1000}""");
        await _reader.ReceiveAsync("rebuild");
        await _reader.ReceiveAsync("caught_up");
        await PublishAsync(Enumerable.Repeat("k", 90_000));
        await _reader.ReceiveNothingElseAsync();
        await PublishAsync(Enumerable.Repeat("k", 30_000));
        var page = await _reader.ReceiveAsync("rebuild");
        Assert.That(page["events"]!.AsArray(), Is.Empty);
        Assert.That((long)page["position"]!, Is.InRange(100_000, 120_000));
        await _reader.ReceiveNothingElseAsync();
    }
}
