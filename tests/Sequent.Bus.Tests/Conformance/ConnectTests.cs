using System.Net;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>Both protocols: who is let in, and as what.</summary>
internal sealed class ConnectTests : WireTest
{
    protected override void Configure(SequentBusOptions options)
    {
        options.AllowedOrigins.Add("https://bank.example");
        options.Sessions = 3;
    }

    [TestCase("https://bank.example")]
    [TestCase("https://BANK.example")]
    public async Task A_page_of_an_allowed_origin_may_connect(string origin)
    {
        await using var client = await WireClient.ConnectAsync(Bus.Address, ProtocolVersion.V1, origin);
        await client.RegisterAsync("a");
    }

    [TestCase("https://bank.example:444")]
    [TestCase("http://bank.example")]
    [TestCase("https://bank.example.evil.example")]
    [TestCase("null")]
    public async Task A_page_of_any_other_origin_may_not(string origin)
    {
        using var client = await RawClient.ConnectAsync(Bus.Address, ("Origin", origin));
        Assert.That(client.AnswerLines[0], Does.Contain("403"));
    }

    [Test]
    public async Task A_name_that_a_stranger_leads_to_the_bus_is_not_the_bus()
    {
        var name = $"evil.example:{Bus.Address.Port}";
        using var client = await RawClient.ConnectAsync(Bus.Address, ("Host", name), ("Origin", $"http://{name}"));
        Assert.That(client.AnswerLines[0], Does.Contain("403"));
    }

    [Test]
    public async Task Localhost_is_the_bus()
    {
        var name = $"localhost:{Bus.Address.Port}";
        using var client = await RawClient.ConnectAsync(Bus.Address, ("Host", name), ("Origin", $"http://{name}"));
        Assert.That(client.AnswerLines[0], Does.Contain("101"));
    }

    [Test]
    public async Task A_program_may_name_the_bus_as_it_likes()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address, ("Host", "bus.bank.example"));
        Assert.That(client.AnswerLines[0], Does.Contain("101"));
    }

    [Test]
    public async Task Beyond_the_limit_of_sessions_a_further_one_is_refused_until_one_has_ended()
    {
        var first = await Bus.ConnectV1Async();
        await using var second = await Bus.ConnectV2Async();
        await using var third = await Bus.ConnectV1Async();
        using (var fourth = await RawClient.ConnectAsync(Bus.Address))
            Assert.That(fourth.AnswerLines[0], Does.Contain("503"));
        await first.CloseAsync();
        await Eventually.HoldsAsync(async () => (await Bus.AskAsync("/admin/sessions")).AsArray().Count == 2, "the session ended");
        await using var again = await Bus.ConnectV2Async();
        await again.ReceiveNothingElseAsync();
    }

    [Test]
    public async Task Whoever_offers_only_subprotocols_of_others_speaks_v1()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address, ("Sec-WebSocket-Protocol", "chat, sequent.v3, SEQUENT.V2"));
        Assert.That(client.AnswerLines[0], Does.Contain("101"));
        Assert.That(client.AnswerLines, Has.None.StartsWith("Sec-WebSocket-Protocol").IgnoreCase);
        await client.SendTextAsync("""{"message_type":"register","client_type":"a","event_types":[]}""");
        Assert.That((await client.ReceiveAsync()).Text, Is.EqualTo("""{"client_type":"a","event_types":[],"message_type":"registration"}"""), "no hello before it, and the form of v1");
    }

    [Test]
    public async Task Nothing_is_compressed_although_the_client_could_read_it()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address, ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"));
        Assert.That(client.AnswerLines[0], Does.Contain("101"));
        Assert.That(client.AnswerLines, Has.None.StartsWith("Sec-WebSocket-Extensions").IgnoreCase);
        await client.SendTextAsync($$"""{"message_type":"register","client_type":"{{new string('a', 500)}}","event_types":[]}""");
        Assert.That((await client.ReceiveAsync()).Text, Does.Contain(new string('a', 500)));
    }

    [Test]
    public async Task A_request_that_is_no_websocket_is_told_what_this_is()
    {
        using var response = await Bus.Http.GetAsync(new Uri("/any/where", UriKind.Relative));
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.UpgradeRequired));
        Assert.That(await response.Content.ReadAsStringAsync(), Does.Contain("Sequent bus"));
        Assert.That(await Bus.Http.GetStringAsync(new Uri("/", UriKind.Relative)), Does.Contain(Bus.Address.Authority).And.Contain("sequent.v2"));
    }
}
