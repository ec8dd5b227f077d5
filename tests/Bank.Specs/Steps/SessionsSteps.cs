using Bank.Specs.Running;
using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>Logging in and out, on one device or several.</summary>
internal sealed class SessionsSteps(World world)
{
    [Step("{customer} is logged in")]
    [Step("{customer} logs in")]
    public Task LogInAsync(string customer) => world.Who(customer).LogInAsync();

    [Step("{customer} is logged in on the {words}")]
    public Task LogInAsync(string customer, string device) => world.Who(customer).LogInAsync(device);

    [Step("{customer} logs out")]
    public Task LogOutAsync(string customer) => LogOutAsync(customer, "");

    [Step("{customer} logs out on the {words}")]
    public async Task LogOutAsync(string customer, string device)
    {
        world.Answer = await world.Who(customer).On(device).PostAsync(Part.Users, "/logout");
        Assert.That(world.Answer.Status, Is.EqualTo(204));
    }

    [Step("{customer} is still logged in")]
    [Step("{customer} is logged in again")]
    public Task IsLoggedInAsync(string customer) => IsLoggedInAsync(customer, "");

    [Step("{customer} is still logged in on the {words}")]
    public async Task IsLoggedInAsync(string customer, string device) =>
        Assert.That((await world.Who(customer).On(device).GetAsync(Part.Users, "/users/me")).Status, Is.EqualTo(200));

    [Step("{customer} is no longer logged in on the {words}")]
    public async Task IsNotLoggedInAsync(string customer, string device) =>
        AnswerSteps.AssertRefused(await world.Who(customer).On(device).GetAsync(Part.Users, "/users/me"), "nobody is logged in");

    [Step("no part of the bank knows {whose} any more")]
    public Task NobodyKnowsAsync(string whose) => AssertNotLetInAsync(world.Who(whose).AtBank, world.Who(whose).Accounts);

    [Step("somebody comes with the token {text}")]
    public void ComeWithToken(string token) => world.Somebody.Token = token;

    [Step("somebody comes without a token")]
    public void ComeWithoutToken() => world.Somebody.Token = null;

    [Step("no part of the bank lets them in")]
    public Task NobodyLetsInAsync() => AssertNotLetInAsync(world.Somebody, []);

    [Step("{int} hours pass")]
    public void PassHours(int hours) => world.Clock.PutForward(TimeSpan.FromHours(hours));

    [Step("{int} minutes pass")]
    public void PassMinutes(int minutes) => world.Clock.PutForward(TimeSpan.FromMinutes(minutes));

    /// <summary>Every service is asked.</summary>
    private static async Task AssertNotLetInAsync(Customer customer, IEnumerable<long> accounts)
    {
        (Part, string)[] routes =
        [
            (Part.Users, "/users/me"),
            (Part.Transactions, "/transactions"),
            .. accounts.DefaultIfEmpty(1).Select(id => (Part.Accounts, Person.PathOf(id))),
        ];
        foreach (var (part, path) in routes)
            AnswerSteps.AssertRefused(await customer.GetAsync(part, path), "nobody is logged in");
    }
}
