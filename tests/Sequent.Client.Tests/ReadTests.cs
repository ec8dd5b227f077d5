using System.Text.Json;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed class ReadTests : BusTest
{
    [Test]
    public async Task A_query_selects_by_type_key_position_time_and_id()
    {
        var first = await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: Token);
        await Client.PublishAsync(new Withdrawn(2m), "a", cancellationToken: Token);
        var third = await Client.PublishAsync(new Deposited(3m), "b", cancellationToken: Token);

        Assert.That(await PositionsAsync(new EventQuery { Types = ["Deposited"] }), Is.EqualTo([1, 3]));
        Assert.That(await PositionsAsync(new EventQuery { Keys = ["a"] }), Is.EqualTo([1, 2]));
        Assert.That(await PositionsAsync(new EventQuery { After = 1, Until = 2 }), Is.EqualTo([2]));
        Assert.That(await PositionsAsync(new EventQuery { Limit = 2 }), Is.EqualTo([1, 2]));
        Assert.That(await PositionsAsync(new EventQuery { EventIds = [third.EventId, first.EventId] }), Is.EqualTo([1, 3]));
        Assert.That(await PositionsAsync(new EventQuery { Since = DateTimeOffset.UtcNow.AddHours(1) }), Is.Empty);
    }

    [Test]
    public async Task An_event_of_an_unknown_name_is_read_as_a_json_element()
    {
        await Client.PublishAsync(new Deposited(1.5m), "a", cancellationToken: Token);
        var stranger = Use(Bus.CreateClient());

        await foreach (var e in stranger.QueryAsync(new EventQuery(), Token))
        {
            Assert.That(e.Data, Is.InstanceOf<JsonElement>());
            Assert.That(((JsonElement)e.Data).GetProperty("Amount").GetDecimal(), Is.EqualTo(1.5m));
        }
    }

    [Test]
    public async Task Data_that_does_not_fit_its_type_fails_where_it_is_read()
    {
        var stranger = Use(Bus.CreateClient(o => o.Events.Add<Support.Other.Deposited>()));
        await stranger.PublishAsync(new Support.Other.Deposited("much"), "a", cancellationToken: Token);

        var e = (await EventsOfAsync("a")).Single();

        Assert.That(() => e.Data, Throws.TypeOf<JsonException>().With.Message.Contains(typeof(Deposited).FullName));
        Assert.That(e.ToString(), Is.EqualTo("Deposited a/0 at 1"));
    }

    [Test]
    public async Task A_long_answer_comes_in_pages_as_they_are_taken()
    {
        await PublishManyAsync(3_000);

        Assert.That(await PositionsAsync(new EventQuery()), Is.EqualTo(Enumerable.Range(1, 3_000)));
        await UntilAsync(() => Bus.CountReceived<MoreMessage>() == 3, "of its 30 pages each eight granted eight others");
    }

    [Test]
    public async Task A_query_whose_connection_is_lost_goes_on_after_what_it_has()
    {
        await PublishManyAsync(3_000);
        var positions = new List<long>();

        await foreach (var e in Client.QueryAsync(new EventQuery { Limit = 2_500 }, Token))
        {
            positions.Add(e.Position);
            if (e.Position == 700)
                Bus.CutAll();
        }

        Assert.That(positions, Is.EqualTo(Enumerable.Range(1, 2_500)));
    }

    [Test]
    public async Task A_query_that_is_left_early_is_cancelled_at_the_bus()
    {
        await PublishManyAsync(600);

        await foreach (var e in Client.QueryAsync(new EventQuery(), Token))
            break;

        await UntilAsync(() => Bus.CountReceived<CancelMessage>() == 1, "the bus is told");
    }

    [Test]
    public async Task A_query_of_another_log_or_beyond_the_end_is_refused()
    {
        var log = await ThrownByAsync<RequestFailedException>(() => PositionsAsync(new EventQuery { LogId = "another" }));
        var position = await ThrownByAsync<RequestFailedException>(() => PositionsAsync(new EventQuery { After = 10 }));

        Assert.That((log.Code, position.Code), Is.EqualTo((ErrorCodes.LogChanged, ErrorCodes.PositionAhead)));
    }

    [Test]
    public async Task A_query_waits_out_a_store_that_cannot_answer_now()
    {
        await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: Token);
        Bus.RefuseNext<QueryMessage>(ErrorCodes.StoreUnavailable);

        Assert.That(await PositionsAsync(new EventQuery()), Is.EqualTo([1]));
    }

    [Test]
    public async Task A_state_is_the_fold_of_its_key_as_of_now()
    {
        Assert.That((await Client.ReadAsync<Account>("acc-7", Token)).Exists, Is.False);
        await Client.PublishAsync(new Deposited(50m), "acc-7", cancellationToken: Token);
        Assert.That(await Client.ReadAsync<Account>("acc-7", Token), Is.EqualTo(new KeyState<Account>(new Account(50m), 0)));
        await NewClient().PublishAsync(new Withdrawn(20m), "acc-7", cancellationToken: Token);

        Assert.That(await Client.ReadAsync<Account>("acc-7", Token), Is.EqualTo(new KeyState<Account>(new Account(30m), 1)));
        Assert.That(Bus.Received.OfType<QueryMessage>().Last().After, Is.EqualTo(1), "only what is new is read");
    }

    [Test]
    public async Task A_state_is_read_anew_when_the_bus_has_another_log()
    {
        await PublishManyAsync(3);
        Assert.That((await Client.ReadAsync<Count>("k", Token)).State.Events, Is.EqualTo(3));

        await Bus.ReplaceLogAsync();
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);

        Assert.That((await Client.ReadAsync<Count>("k", Token)).State.Events, Is.EqualTo(1));
    }

    [Test]
    public async Task A_follow_yields_the_past_then_tells_that_it_is_over_then_goes_on_live()
    {
        await PublishManyAsync(2);
        await using var follow = Client.FollowAsync(new EventQuery { Types = ["Deposited"] }, Token).GetAsyncEnumerator(Token);

        Assert.That(await NextAsync(follow), Is.InstanceOf<EventPage>().With.Property("Position").EqualTo(2));
        Assert.That(await NextAsync(follow), Is.InstanceOf<CaughtUp>().With.Property("Position").EqualTo(2));
        await Client.PublishAsync(new Deposited(9m), "live", cancellationToken: Token);

        var page = (EventPage)await NextAsync(follow);
        Assert.That(page.Events.Select(e => e.Key), Is.EqualTo(["live"]));
    }

    [Test]
    public async Task A_follow_goes_on_without_a_gap_after_a_lost_connection()
    {
        var positions = new List<long>();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var following = Task.Run(async () =>
        {
            await foreach (var item in Client.FollowAsync(new EventQuery(), enough.Token))
            {
                if (item is EventPage page)
                    positions.AddRange(page.Events.Select(e => e.Position));
                if (positions.Count >= 200)
                    return;
            }
        });

        for (var i = 0; i < 10; i++)
        {
            await PublishManyAsync(20);
            Bus.CutAll();
        }

        await following.WaitAsync(Token);
        Assert.That(positions, Is.EqualTo(Enumerable.Range(1, 200)));
    }

    [Test]
    public async Task A_follow_ends_when_the_bus_has_another_log()
    {
        await PublishManyAsync(1);
        await using var follow = Client.FollowAsync(new EventQuery(), Token).GetAsyncEnumerator(Token);
        await NextAsync(follow);
        await NextAsync(follow);

        await Bus.ReplaceLogAsync();

        var thrown = await ThrownByAsync<RequestFailedException>(() => NextAsync(follow));
        Assert.That(thrown.Code, Is.EqualTo(ErrorCodes.LogChanged));
    }

    [Test]
    public async Task A_follow_ends_at_until_and_when_the_client_is_disposed()
    {
        await PublishManyAsync(3);
        var items = new List<FollowItem>();
        await foreach (var item in Client.FollowAsync(new EventQuery { Until = 2 }, Token))
            items.Add(item);
        Assert.That(items[^1].Position, Is.EqualTo(2));

        var client = NewClient();
        await using var follow = client.FollowAsync(new EventQuery { After = 3 }, Token).GetAsyncEnumerator(Token);
        await NextAsync(follow);
        var next = NextAsync(follow);
        await client.DisposeAsync();
        Assert.That(async () => await next, Throws.TypeOf<ObjectDisposedException>());
    }

    private static async Task<FollowItem> NextAsync(IAsyncEnumerator<FollowItem> follow)
    {
        while (await follow.MoveNextAsync())
        {
            if (follow.Current is not EventPage { Events.Count: 0 })
                return follow.Current;
        }

        throw new AssertionException("The follow has ended.");
    }

    private async Task<List<long>> PositionsAsync(EventQuery query)
    {
        var positions = new List<long>();
        await foreach (var e in Client.QueryAsync(query, Token))
            positions.Add(e.Position);
        return positions;
    }

    private Task<Receipt[]> PublishManyAsync(int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(i => Client.PublishAsync(new Deposited(i), "k", cancellationToken: Token)));
}
