using Microsoft.Extensions.Time.Testing;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What the caller of a publish without a receipt is told: whether it may be stored, and why nobody knows.</summary>
internal sealed class GivingUpTests : BusTest
{
    private const string Repeatable = " Publishing it again under the same id is safe and tells.";
    private const string Unrepeatable = " The bus keeps no ids: read the key to find out before publishing again.";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task That_its_time_is_over()
    {
        var client = NewClient(o => (o.PublishTimeout, o.TimeProvider) = (TimeSpan.FromSeconds(2.5), _time));
        Bus.SwallowNext<NewMessage>();
        var publishing = client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");

        _time.Advance(TimeSpan.FromSeconds(2.5));

        await AssertUnknownAsync(publishing, "no receipt came within 2.5 s.");
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task That_its_time_was_over_before_it_could_be_sent()
    {
        Bus.IsDown = true;
        var client = NewClient(o => (o.PublishTimeout, o.TimeProvider) = (TimeSpan.FromSeconds(5), _time));
        var publishing = client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);

        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.That((await ThrownByAsync<BusUnavailableException>(() => publishing)).Message, Is.EqualTo("Nothing was sent: no receipt came within 5 s."));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task That_they_have_cancelled_it_themselves()
    {
        using var cancel = new CancellationTokenSource();
        Bus.SwallowNext<NewMessage>();
        var publishing = Client.PublishAsync(new Deposited(1m), "k", cancellationToken: cancel.Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");

        await cancel.CancelAsync();

        await AssertUnknownAsync(publishing, "its caller cancelled before a receipt came.");
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task That_the_client_was_disposed()
    {
        var client = NewClient(o => o.TimeProvider = _time);
        Bus.SwallowNext<NewMessage>();
        var publishing = client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");

        var disposing = client.DisposeAsync().AsTask();
        await UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return disposing.IsCompleted;
            },
            "it is disposed");

        await AssertUnknownAsync(publishing, "the client was disposed.");
    }

    [On(ProtocolVersion.V1)]
    public async Task That_its_connection_was_lost_at_once_if_it_cannot_be_sent_again()
    {
        Bus.SwallowNext<NewMessage>();
        var publishing = Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");

        Bus.IsDown = true; // and stays it: nothing waits for the next session
        Bus.CutAll();

        await AssertUnknownAsync(publishing, "Its connection was lost before a receipt came.");
    }

    [Test]
    public async Task That_its_receipt_was_lost_and_the_bus_has_refused_it_since()
    {
        Bus.LoseAnswerToNext<NewMessage>();
        Bus.RefuseNext<NewMessage>(ErrorCodes.RateLimited);

        var publishing = Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);

        var thrown = await AssertUnknownAsync(publishing, "its receipt was lost, and the bus refused it when it was sent again (rate_limited).");
        Assert.That((thrown.InnerException as RequestFailedException)?.Code, Is.EqualTo(ErrorCodes.RateLimited));
    }

    [TestCase(0)]
    [TestCase(2)]
    public async Task That_the_bus_has_answered_with_another_number_of_receipts(int receipts)
    {
        Bus.AnswerNext<NewMessage>(message => $$"""
            {"message_type":"receipt","request_id":"{{message.RequestId}}","receipts":[{{string.Join(',', Enumerable.Repeat("""{"status":"success"}""", receipts))}}],
            "sender":"V4(127.0.0.1:1)","timestamp":"Tue, 24 Nov 2026 09:30:00 +0000"}
            """);

        await AssertUnknownAsync(Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token), $"the bus answered 1 events with {receipts} receipts.");
        Assert.That((await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token)).Position, Is.EqualTo(1), "it goes on");
    }

    [On(ProtocolVersion.V1)]
    public async Task That_an_original_bus_knows_no_ids_without_a_word_of_it_to_the_bus_or_to_others()
    {
        Bus.IsDown = true; // so that the two would go out together
        var plain = Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var withId = Client.PublishAsync(new Deposited(2m), "k", new PublishOptions { EventId = Guid.NewGuid() }, Token);
        Bus.IsDown = false;

        Assert.That((await ThrownByAsync<RequestFailedException>(() => withId)).Code, Is.EqualTo(RequestFailedException.NotSupported));
        Assert.That((await plain).IsSuccess, Is.True);
        Assert.That(Bus.Received.OfType<NewMessage>().Single().Events, Has.Count.EqualTo(1));
    }

    private static async Task<OutcomeUnknownException> AssertUnknownAsync(Task<Receipt> publishing, string why)
    {
        var thrown = await ThrownByAsync<OutcomeUnknownException>(() => publishing);
        var isRepeatable = OnAttribute.Present == ProtocolVersion.V2;
        Assert.That(thrown.Message, Is.EqualTo($"Whether the event {thrown.EventId} is stored is not known: {why}{(isRepeatable ? Repeatable : Unrepeatable)}"));
        Assert.That(thrown.IsRepeatable, Is.EqualTo(isRepeatable));
        return thrown;
    }
}
