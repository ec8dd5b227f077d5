using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v1, section 9: bad input has no effect and hurts nobody.</summary>
internal sealed class V1BadInputTests : WireTest
{
    [TestCase("4294967296")]
    [TestCase("\"4294967296\"")]
    [TestCase("\"-1\"")]
    [TestCase("\" 5\"")]
    [TestCase("\"\"")]
    [TestCase("-1")]
    [TestCase("-0")]
    [TestCase("1.0")]
    [TestCase("null")]
    [TestCase("[1]")]
    public async Task A_bad_value_makes_the_whole_message_ignored(string value)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("good", 0)}},{{WireClient.EventText("bad", value)}}],"message_type":"new"}""");
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("invalid_message"));
        Assert.That((string?)(await client.PublishAsync("good", 0))["status"], Is.EqualTo("success"), "nothing of the bad message was stored");
    }

    [TestCase("nonsense")]
    [TestCase("[1,2]")]
    [TestCase("{}")]
    [TestCase("""{"message_type":7}""")]
    [TestCase("""{"message_type":"event"}""")]
    [TestCase("""{"message_type":"nack","delivery":1}""")]
    [TestCase("""{"message_type":"register","client_type":"x"}""")]
    [TestCase("""{"message_type":"register","client_type":"x","event_types":["a"],"client_type":"y"}""")]
    [TestCase("""{"message_type":"query","event_types":["a"],"since":"yesterday"}""")]
    [TestCase("""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":94859829321,"data":1,"event_type":"t"}]}""")]
    public async Task Bad_input_is_answered_with_error_and_leaves_the_connection_open(string text)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync(text);
        await client.ReceiveAsync("error");
        Assert.That((string?)(await client.PublishAsync("k", 0))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task Errors_are_told_at_most_ten_times_a_second()
    {
        await using var client = await Bus.ConnectV1Async();
        for (var i = 0; i < 200; i++)
            await client.SendAsync("nonsense");
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("k")}}],"message_type":"new"}""");
        var errors = 0;
        while ((string?)(await client.ReceiveAsync())["message_type"] == "error")
            errors++;
        Assert.That(errors, Is.InRange(1, 40));
    }

    [Test]
    public async Task A_message_over_the_limit_is_ignored_whole()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("k", data: $"\"{new string('x', 1_100_000)}\"")}}],"message_type":"new"}""");
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("message_too_large"));
        Assert.That((string?)(await client.PublishAsync("k", 0))["status"], Is.EqualTo("success"));
    }
}
