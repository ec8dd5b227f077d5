using Sequent.Client.Publishing;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What a caller gets to see of the bus's answer.</summary>
internal sealed class ReceiptTests
{
    private static readonly ReceiptEntry Stored = new(ReceiptStatus.Duplicate) { Position = 7 };
    private static readonly ReceiptEntry Elsewhere = new(ReceiptStatus.Duplicate);
    private static readonly ReceiptEntry Conflict = new(ReceiptStatus.Inconsistent) { Expected = 3 };

    [Test]
    public void A_duplicate_that_this_client_has_made_itself_is_a_success() =>
        Assert.That(Of(wasResent: true, Stored, Stored), Is.EqualTo(new[] { ReceiptStatus.Success, ReceiptStatus.Success }));

    [Test]
    public void A_duplicate_of_what_was_sent_once_is_one() =>
        Assert.That(Of(wasResent: false, Stored), Is.EqualTo(new[] { ReceiptStatus.Duplicate }));

    [Test]
    public void What_was_not_stored_says_nothing_about_the_duplicates_beside_it() =>
        Assert.That(Of(wasResent: true, Stored, Conflict), Is.EqualTo(new[] { ReceiptStatus.Success, ReceiptStatus.Inconsistent }));

    [Test]
    public void One_duplicate_without_a_place_shows_that_somebody_else_has_stored_the_decision() =>
        Assert.That(Of(wasResent: true, Stored, Elsewhere), Is.EqualTo(new[] { ReceiptStatus.Duplicate, ReceiptStatus.Duplicate }));

    [TestCase(true, true, ExpectedResult = ReceiptStatus.Success)]
    [TestCase(true, false, ExpectedResult = ReceiptStatus.Duplicate)]
    [TestCase(false, true, ExpectedResult = ReceiptStatus.Duplicate)]
    [TestCase(false, false, ExpectedResult = ReceiptStatus.Duplicate)]
    public ReceiptStatus Of_a_single_event_it_is_the_same(bool wasResent, bool hasPlace) =>
        Receipt.OfOne(Event("k"), new PublishAnswer([hasPlace ? Stored : Elsewhere], wasResent)).Status;

    [Test]
    public void What_the_bus_says_of_the_event_goes_before_what_was_published()
    {
        var (published, stored) = (Event("published"), Guid.NewGuid());

        var told = Receipt.OfOne(published, new PublishAnswer([Stored with { Key = "stored", EventId = stored, Value = 2 }], WasResent: false));
        var untold = Receipt.OfOne(published, new PublishAnswer([Conflict], WasResent: false));

        Assert.That((told.Key, told.EventId, told.Value, told.Position), Is.EqualTo(("stored", stored, (uint?)2, (long?)7)));
        Assert.That((untold.Key, untold.EventId, untold.Expected), Is.EqualTo(("published", published.EventId!.Value, (uint?)3)));
    }

    private static NewEvent Event(string key) => new(key, null, 1, "Happened", "1"u8.ToArray()) { EventId = Guid.NewGuid() };

    private static IEnumerable<ReceiptStatus> Of(bool wasResent, params ReceiptEntry[] entries) =>
        Receipt.Of(new NewMessage([.. entries.Select(_ => Event("k"))]), new PublishAnswer(entries, wasResent)).Select(r => r.Status);
}
