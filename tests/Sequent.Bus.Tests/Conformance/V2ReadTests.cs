using System.Text.Json.Nodes;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>What v2 adds to reading.</summary>
internal sealed class V2ReadTests : V2WireTest
{
    private async Task PublishAsync(int count, int keys = 3)
    {
        for (var i = 0; i < count; i++)
            await Client.PublishAsync($"k{i % keys}", type: i % 2 == 0 ? "even" : "odd", data: $"{i}", more: $",\"event_id\":\"01890a5d-ac96-774b-bcce-{i:x12}\"");
    }

    private async Task<List<int>> QueryAsync(string rest, int credit = 4)
    {
        await Client.SendAsync($$"""{"message_type":"query","request_id":"q","credit":{{credit}}{{rest}}}""");
        var found = new List<int>();
        while (true)
        {
            var page = await Client.ReceiveAsync("rebuild");
            Assert.That((string?)page["request_id"], Is.EqualTo("q"));
            found.AddRange(page["events"]!.AsArray().Select(e => (int)e!["data"]!));
            if ((bool)page["last"]!)
                return found;
            await Client.SendAsync("""{"message_type":"more","request_id":"q","pages":1}""");
        }
    }

    [TestCase("", new[] { 0, 1, 2, 3, 4, 5, 6, 7 })]
    [TestCase(",\"event_types\":[\"*\"]", new[] { 0, 1, 2, 3, 4, 5, 6, 7 })]
    [TestCase(",\"event_types\":[\"even\"]", new[] { 0, 2, 4, 6 })]
    [TestCase(",\"event_types\":[\"even\",\"odd\",\"even\"],\"page_size\":3", new[] { 0, 1, 2, 3, 4, 5, 6, 7 })]
    [TestCase(",\"after\":5", new[] { 5, 6, 7 })]
    [TestCase(",\"after\":2,\"until\":4", new[] { 2, 3 })]
    [TestCase(",\"keys\":[\"k1\"]", new[] { 1, 4, 7 })]
    [TestCase(",\"keys\":[\"k1\",\"k0\",\"nobody\"],\"page_size\":2", new[] { 0, 1, 3, 4, 6, 7 })]
    [TestCase(",\"keys\":[\"k1\"],\"after\":2,\"event_types\":[\"even\"]", new[] { 4 })]
    [TestCase(",\"limit\":3,\"page_size\":2", new[] { 0, 1, 2 })]
    [TestCase(",\"event_ids\":[\"01890a5d-ac96-774b-bcce-000000000004\",\"01890a5d-ac96-774b-bcce-000000000001\",\"01890a5d-ac96-774b-bcce-00000000ffff\"]", new[] { 1, 4 })]
    [TestCase(",\"event_types\":[\"none\"]", new int[0])]
    [TestCase(",\"order\":\"desc\"", new[] { 7, 6, 5, 4, 3, 2, 1, 0 })]
    [TestCase(",\"order\":\"desc\",\"limit\":3,\"page_size\":2", new[] { 7, 6, 5 })]
    [TestCase(",\"order\":\"desc\",\"keys\":[\"k1\",\"k2\"],\"page_size\":2", new[] { 7, 5, 4, 2, 1 })]
    [TestCase(",\"order\":\"desc\",\"event_types\":[\"odd\"],\"after\":2,\"until\":6", new[] { 5, 3 })]
    [TestCase(",\"correlation_id\":7", new[] { 0, 1, 2, 3, 4, 5, 6, 7 })]
    [TestCase(",\"correlation_id\":8", new int[0])]
    [TestCase(",\"correlation_id\":7,\"keys\":[\"k1\"],\"page_size\":2", new[] { 1, 4, 7 })]
    [TestCase(",\"event_ids\":[\"01890A5D-AC96-774B-BCCE-000000000004\"],\"event_types\":[\"even\"]", new[] { 4 })]
    public async Task A_query_finds(string rest, int[] expected)
    {
        await PublishAsync(8);
        Assert.That(await QueryAsync(rest), Is.EqualTo(expected));
    }

    [Test]
    public async Task Pages_wait_for_credit()
    {
        await PublishAsync(9);
        await Client.SendAsync("""{"message_type":"query","request_id":"q","credit":2,"page_size":2}""");
        await Client.ReceiveAsync("rebuild");
        await Client.ReceiveAsync("rebuild");
        await Client.ReceiveNothingElseAsync();
        await Client.SendAsync("""{"message_type":"more","request_id":"q","pages":9}""");
        for (var i = 0; i < 2; i++)
            Assert.That((bool)(await Client.ReceiveAsync("rebuild"))["last"]!, Is.False);
        Assert.That((bool)(await Client.ReceiveAsync("rebuild"))["last"]!, Is.True);
    }

    [Test]
    public async Task A_follow_sends_the_past_then_caught_up_then_what_comes()
    {
        await PublishAsync(3);
        await using var follower = await Bus.ConnectV2Async();
        await follower.SendAsync("""{"message_type":"query","request_id":"f","follow":true,"event_types":["even"],"credit":1000}""");
        var past = await follower.ReceiveAsync("rebuild");
        Assert.That(Data(past), Is.EqualTo(new[] { 0, 2 }));
        Assert.That((bool)past["last"]!, Is.False);
        Assert.That((long)(await follower.ReceiveAsync("caught_up"))["position"]!, Is.EqualTo(3));
        await Client.PublishAsync("k", type: "odd", data: "100");
        await Client.PublishAsync("k", type: "even", data: "101");
        var live = await follower.ReceiveAsync("rebuild");
        Assert.That(Data(live), Is.EqualTo(new[] { 101 }));
        Assert.That((long)live["position"]!, Is.EqualTo(5));
        await follower.SendAsync("""{"message_type":"cancel","request_id":"f"}""");
        await follower.ReceiveNothingElseAsync();
        await Client.PublishAsync("k", type: "even", data: "102");
        await follower.ReceiveNothingElseAsync();
    }

    [Test]
    public async Task A_follow_ends_at_until()
    {
        await using var follower = await Bus.ConnectV2Async();
        await follower.SendAsync("""{"message_type":"query","request_id":"f","follow":true,"until":2,"credit":1000}""");
        await PublishAsync(3);
        var found = new List<int>();
        while (true)
        {
            var message = await follower.ReceiveAsync();
            if ((string?)message["message_type"] != "rebuild")
                continue;
            found.AddRange(Data(message));
            if ((bool)message["last"]!)
                break;
        }

        Assert.That(found, Is.EqualTo(new[] { 0, 1 }));
    }

    [Test]
    public async Task A_follow_whose_end_is_in_the_past_ends_with_it()
    {
        await PublishAsync(3);
        Assert.That(await QueryAsync(",\"follow\":true,\"until\":2"), Is.EqualTo(new[] { 0, 1 }));
        await Client.ReceiveNothingElseAsync();
    }

    [TestCase(",\"log_id\":\"another\"", "log_changed")]
    [TestCase(",\"after\":1000", "position_ahead")]
    [TestCase(",\"since\":\"yesterday\"", "invalid_message")]
    [TestCase(",\"order\":\"sideways\"", "invalid_message")]
    [TestCase(",\"event_ids\":[],\"keys\":[]", "invalid_message")]
    [TestCase(",\"follow\":true,\"order\":\"desc\"", "invalid_message")]
    [TestCase(",\"follow\":true,\"limit\":1", "invalid_message")]
    [TestCase(",\"after\":9007199254740992", "invalid_message")]
    public async Task A_query_that_cannot_be_answered_is_told_why(string rest, string code)
    {
        await Client.SendAsync($$"""{"message_type":"query","request_id":"q"{{rest}}}""");
        var error = await Client.ReceiveAsync("error");
        Assert.That((string?)error["code"], Is.EqualTo(code));
        Assert.That((string?)error["request_id"], Is.EqualTo("q"));
    }

    [Test]
    public async Task A_stretch_that_ends_before_it_begins_holds_nothing_and_moves_nobody_back()
    {
        await PublishAsync(8);
        await Client.SendAsync("""{"message_type":"query","request_id":"q","after":6,"until":3}""");
        var page = await Client.ReceiveAsync("rebuild");
        Assert.That((page["events"]!.AsArray().Count, (long)page["position"]!, (bool)page["last"]!), Is.EqualTo((0, 6, true)));
    }

    [Test]
    public async Task Since_has_the_precision_of_the_log()
    {
        await PublishAsync(2, keys: 1);
        await Client.SendAsync("""{"message_type":"query","request_id":"q"}""");
        var events = (await Client.ReceiveAsync("rebuild"))["events"]!.AsArray();
        var first = (string?)events[0]!["time"];
        var later = events.Where(e => string.CompareOrdinal((string?)e!["time"], first) > 0).Select(e => (int)e!["data"]!);
        Assert.That(await QueryAsync($",\"since\":\"{first}\""), Is.EqualTo(later));
    }

    [Test]
    public async Task Large_events_are_spread_over_frames()
    {
        for (var i = 0; i < 6; i++)
            await Client.PublishAsync("k", data: $"\"{new string('x', 300_000)}\"");
        await Client.SendAsync("""{"message_type":"query","request_id":"q","credit":100}""");
        var pages = 0;
        JsonObject page;
        do
        {
            var text = await Client.ReceiveTextAsync();
            Assert.That(text.Length, Is.LessThanOrEqualTo(1024 * 1024));
            page = JsonNode.Parse(text)!.AsObject();
            pages++;
        }
        while (!(bool)page["last"]!);
        Assert.That(pages, Is.GreaterThan(1));
    }

    private static IEnumerable<int> Data(JsonObject page) => page["events"]!.AsArray().Select(e => (int)e!["data"]!);
}
