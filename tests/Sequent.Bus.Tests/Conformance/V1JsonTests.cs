using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v1, section 2: what JSON is read, and how it is printed.</summary>
internal sealed class V1JsonTests : WireTest
{
    [TestCase("""{"extra":1,"extra":2,"events":[{"data":1,"more":{"a":[]},"event_type":"t","correlation_id":1,"consistency":{"other":true,"key":"k"}}],"message_type":"new"}""")]
    [TestCase(""" { "events" : [ { "event_type":"t", "consistency":{"key":"k","value":"*"}, "correlation_id":1, "data":1 } ] , "message_type" : "new" } """)]
    public async Task Unknown_fields_are_ignored_and_the_order_of_fields_is_free(string text)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync(text);
        Assert.That((string?)(await client.ReceiveAsync("receipt"))["receipts"]![0]!["status"], Is.EqualTo("success"));
    }

    [TestCase("50.00", "50.0")]
    [TestCase("1e2", "100.0")]
    [TestCase("-0", "0")]
    [TestCase("18446744073709551615", "18446744073709551615")]
    [TestCase("-9223372036854775808", "-9223372036854775808")]
    [TestCase("1e21", "1e21")]
    [TestCase("0.0000001", "1e-7")]
    [TestCase("""{"b":1,"a":2,"b":3}""", """{"a":2,"b":3}""", Description = "the last duplicate wins, keys are sorted")]
    [TestCase("\"\\u0041\\/\\u0001\"", "\"A/\\u0001\"")]
    [TestCase("null", "null")]
    public async Task Data_is_printed_canonically(string published, string printed)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.RegisterAsync("a");
        await client.PublishAsync("k", data: published);
        Assert.That(await client.ReceiveTextAsync(), Does.Contain($"\"data\":{printed},\"event_type\""));
    }

    [TestCase(124, true)]
    [TestCase(125, false)]
    public async Task Data_may_be_nested_124_levels_deep(int depth, bool isTaken)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"message_type":"new","events":[{{WireClient.EventText("k", data: new string('[', depth) + new string(']', depth))}}]}""");
        await client.ReceiveAsync(isTaken ? "receipt" : "error");
    }

    [TestCase("\"\\ud800\"", Description = "a lone surrogate")]
    [TestCase("NaN")]
    [TestCase("1e400")]
    [TestCase("[1,]")]
    [TestCase("01")]
    [TestCase("+1")]
    [TestCase("\"a\tb\"", Description = "a raw control character")]
    public async Task What_is_no_json_is_ignored(string data)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"message_type":"new","events":[{{WireClient.EventText("k", data: data)}}]}""");
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("malformed_json"));
        Assert.That((string?)(await client.PublishAsync("k", 0))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task A_byte_order_mark_is_not_skipped()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync("\ufeff{\"message_type\":\"new\",\"events\":[]}");
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("malformed_json"));
    }
}
