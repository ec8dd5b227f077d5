using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Sequent.Client.Connecting;
using Sequent.Client.Publishing;
using Sequent.Client.Telemetry;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>The loop that sends and waits for receipts, on a clock that stands still: nothing here waits for a pause unless it says so.</summary>
internal sealed class PublisherTests : BusTest
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogCollector _lines = new();

    [Test]
    public async Task It_is_refused_from_an_answer_that_the_store_fails_until_the_next_receipt()
    {
        var publisher = NewPublisher();
        await SendAsync(publisher, "a");
        Assert.That(publisher.IsRefused, Is.False);
        Bus.RefuseNext<NewMessage>(ErrorCodes.StoreUnavailable);

        var publishing = SendAsync(publisher, "b");
        await UntilAsync(() => publisher.IsRefused, "the bus has refused it");
        await PassAsync(() => publishing.IsCompleted);

        Assert.That((Of(await publishing), publisher.IsRefused), Is.EqualTo(("b/0", false)));
        Assert.That(Warnings(), Has.Length.EqualTo(1).And.All.Match("^The bus could not store p[0-9]+ now \\(store_unavailable\\); it will be sent again$"));
    }

    [Test]
    public async Task While_the_store_fails_nothing_newer_overtakes_what_was_refused()
    {
        var publisher = NewPublisher();
        Bus.RefuseNext<NewMessage>(ErrorCodes.StoreUnavailable);
        var first = SendAsync(publisher, "k");
        await UntilAsync(() => publisher.IsRefused, "the first is refused");
        var second = SendAsync(publisher, "k");
        await PassAsync(() => first.IsCompleted && second.IsCompleted);

        Assert.That((Of(await first), Of(await second)), Is.EqualTo(("k/0", "k/1")));
    }

    [Test]
    public async Task A_refusal_for_good_is_told_to_its_caller_and_no_fault_of_the_bus()
    {
        var publisher = NewPublisher();
        Bus.RefuseNext<NewMessage>(ErrorCodes.RateLimited);

        await ThrownByAsync<RequestFailedException>(() => SendAsync(publisher, "a"));

        Assert.That((publisher.IsRefused, Warnings()), Is.EqualTo((false, Array.Empty<string>())));
    }

    [Test]
    public async Task Only_what_was_refused_is_sent_again()
    {
        using var cancel = new CancellationTokenSource();
        var publisher = NewPublisher();
        Bus.SwallowNext<NewMessage>();
        var silent = SendAsync(publisher, "silent", cancel.Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the first is on its way");
        Bus.RefuseNext<NewMessage>(ErrorCodes.StoreUnavailable);

        var refused = SendAsync(publisher, "refused");
        await PassAsync(() => refused.IsCompleted);

        Assert.That(Bus.Received.OfType<NewMessage>().Select(m => m.Events[0].Key), Is.EqualTo(new[] { "silent", "refused", "refused" }));
        await cancel.CancelAsync();
        await ThrownByAsync<OutcomeUnknownException>(() => silent);
    }

    [Test]
    public async Task An_error_about_a_publish_that_nobody_waits_for_holds_nothing_up()
    {
        var publisher = NewPublisher();
        await SendAsync(publisher, "a");

        Assert.That(publisher.TryReceive(new ErrorMessage(ErrorCodes.RateLimited, "late") { RequestId = "p-unknown" }), Is.True);

        Assert.That((Of(await SendAsync(publisher, "b")), publisher.IsRefused), Is.EqualTo(("b/0", false)));
    }

    [Test]
    public void What_is_about_a_publish_is_taken_even_if_nobody_waits_for_it_any_more()
    {
        var publisher = NewPublisher();

        Assert.That(publisher.TryReceive(new ReceiptMessage([], "", "") { RequestId = "p-unknown" }), Is.True);
        Assert.That(publisher.TryReceive(new ErrorMessage("no_receipt", "") { RequestId = "p-unknown" }), Is.True);
        Assert.That(publisher.TryReceive(new ErrorMessage(ErrorCodes.InvalidMessage, "") { RequestId = "q-unknown" }), Is.True);
        Assert.That(publisher.TryReceive(new DrainingMessage()), Is.False);
        Assert.That(publisher.TryReceive(new ErrorMessage(ErrorCodes.InvalidMessage, "")), Is.False);
    }

    [Test]
    public async Task No_more_are_sent_than_may_be_in_flight()
    {
        using var cancel = new CancellationTokenSource();
        var client = NewClient(o => o.MaxInFlight = 1);
        Bus.SwallowNext<NewMessage>();
        var first = client.PublishAsync(new Deposited(1m), "first", cancellationToken: cancel.Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the first is on its way");
        var second = client.PublishAsync(new Deposited(1m), "second", cancellationToken: Token);

        for (var i = 0; i < 5; i++)
            await client.ReadAsync<Count>("k", Token);
        Assert.That((Bus.CountReceived<NewMessage>(), second.IsCompleted), Is.EqualTo((1, false)));

        await cancel.CancelAsync();
        await ThrownByAsync<OutcomeUnknownException>(() => first);
        Assert.That((await second).Position, Is.EqualTo(1));
    }

    [Test]
    public async Task A_publish_that_cannot_be_written_stops_nobody_elses()
    {
        var publisher = NewPublisher(80);
        using var cancel = new CancellationTokenSource();
        Bus.IsDown = true; // so that they are looked at together
        var faulty = publisher.SendAsync(new PendingPublish(new NewMessage([Event(null!)])), null, cancel.Token).AsTask();
        var good = SendAsync(publisher, "good");
        Bus.IsDown = false;

        await PassAsync(() => good.IsCompleted);

        Assert.That(Of(await good), Is.EqualTo("good/0"));
        Assert.That(_lines.GetSnapshot().Select(l => l.Message), Has.Some.EqualTo("A defect interrupted publishing; it goes on with what is pending"));
        await cancel.CancelAsync();
        await ThrownByAsync<OperationCanceledException>(() => faulty);
    }

    [Test]
    public async Task Disposing_ends_as_soon_as_the_last_receipt_has_come()
    {
        var publisher = NewPublisher();
        await SendAsync(publisher, "a");
        var letGo = new TaskCompletionSource();
        Bus.BeforeNext<NewMessage>(() => letGo.Task);
        Task<PublishAnswer>[] publishing = [SendAsync(publisher, "b"), SendAsync(publisher, "b")];
        await UntilAsync(() => Bus.CountReceived<NewMessage>() >= 2, "they are on their way");

        var disposing = publisher.DisposeAsync().AsTask();
        await ThrownByAsync<ObjectDisposedException>(() => SendAsync(publisher, "late"));
        Assert.That(disposing.IsCompleted, Is.False);
        letGo.SetResult();

        await disposing.WaitAsync(Token);
        Assert.That((await Task.WhenAll(publishing)).Select(Of), Is.EqualTo(new[] { "b/0", "b/1" }));
    }

    [Test]
    public async Task Disposing_again_changes_nothing()
    {
        var publisher = NewPublisher();
        await SendAsync(publisher, "a");

        await publisher.DisposeAsync();
        await publisher.DisposeAsync();

        await ThrownByAsync<ObjectDisposedException>(() => SendAsync(publisher, "late"));
    }

    [Test]
    public async Task Whoever_waits_for_room_when_the_client_is_disposed_is_told_at_once()
    {
        Bus.IsDown = true;
        var publisher = NewPublisher(maxInFlight: 1);
        var waiting = SendAsync(publisher, "a");
        var beyond = SendAsync(publisher, "b");

        var disposing = publisher.DisposeAsync().AsTask();

        Assert.That((await ThrownByAsync<ObjectDisposedException>(() => beyond.WaitAsync(Token))).ObjectName, Is.EqualTo(nameof(SequentClient)));
        Assert.That((disposing.IsCompleted, waiting.IsCompleted), Is.EqualTo((false, false)), "the other has some time left");
        await PassAsync(() => disposing.IsCompleted);
        Assert.That((await ThrownByAsync<BusUnavailableException>(() => waiting)).Message, Is.EqualTo("Nothing was sent: the client was disposed."));
    }

    private Publisher NewPublisher(int maxInFlight = 10)
    {
        var connection = new Connection(new ConnectionSettings(Bus.Address, TimeSpan.FromMilliseconds(100), static () => [], _time, NullLoggerFactory.Instance));
        var publisher = new Publisher(connection, new ClientTelemetry(Bus.Address), maxInFlight, _time, new FakeLogger<Publisher>(_lines));
        connection.Received = (_, message) => publisher.TryReceive(message);
        return Use(publisher);
    }

    private Task<PublishAnswer> SendAsync(Publisher publisher, string key, CancellationToken? cancellationToken = null) =>
        publisher.SendAsync(new PendingPublish(new NewMessage([Event(key)])), null, cancellationToken ?? Token).AsTask();

    private static NewEvent Event(string key) => new(key, null, 1, "Happened", "1"u8.ToArray()) { EventId = Guid.CreateVersion7() };

    private static string Of(PublishAnswer answer) => string.Join(' ', answer.Entries.Select(e => $"{e.Key}/{e.Value}"));

    private string[] Warnings() => [.. _lines.GetSnapshot().Where(l => l.Level >= LogLevel.Warning).Select(l => l.Message)];

    /// <summary>Lets time pass until something has happened.</summary>
    private Task PassAsync(Func<bool> condition) => UntilAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            return condition();
        },
        "the time has passed");
}
