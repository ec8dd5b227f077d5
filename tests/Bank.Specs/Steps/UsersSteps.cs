using Bank.Specs.Running;
using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>Registering, passwords and profiles.</summary>
internal sealed class UsersSteps(World world)
{
    private const string WrongPassword = "not the password";

    [Step("{customer} registers")]
    [Step("{customer} is registered")]
    public async Task RegisterAsync(string customer) => world.Answer = await world.Who(customer).RegisterAsync();

    [Step("{customer} registers with the password {text}")]
    public async Task RegisterAsync(string customer, string password) => world.Answer = await world.Who(customer).RegisterAsync(password);

    [Step("somebody registers as {text}")]
    public async Task SomebodyRegistersAsync(string username) =>
        world.Answer = await world.Somebody.PostAsync(Part.Users, "/register", new { username, password = Customer.Password });

    [Step("somebody registers under {whose} name")]
    public async Task SomebodyRegistersUnderAsync(string whose) =>
        world.Answer = await world.Somebody.PostAsync(Part.Users, "/register", new { username = world.Who(whose).Username, password = "another password" });

    [Step("{customer} can log in")]
    public async Task CanLogInAsync(string customer) => Assert.That((await world.Who(customer).TryLogInAsync()).Status, Is.EqualTo(200));

    [Step("{customer} cannot log in, because {words}")]
    public async Task CannotLogInAsync(string customer, string why) => AnswerSteps.AssertRefused(await world.Who(customer).TryLogInAsync(), why);

    [Step("{customer} tries to log in with a wrong password")]
    public async Task TryWrongPasswordAsync(string customer) => world.Answer = await world.Who(customer).TryLogInAsync(WrongPassword);

    [Step("{customer} tries to log in with a wrong password {int} times")]
    public async Task TryWrongPasswordAsync(string customer, int times)
    {
        for (var i = 0; i < times; i++)
            await TryWrongPasswordAsync(customer);
    }

    [Step("somebody tries to log in as {text}")]
    public async Task SomebodyTriesToLogInAsync(string username) =>
        world.Answer = await world.Somebody.PostAsync(Part.Users, "/login", new { username, password = WrongPassword });

    [Step("{customer} looks at {whose} profile")]
    public async Task LookAtProfileAsync(string customer, string whose)
    {
        Assert.That(world.Who(customer), Is.SameAs(world.Who(whose)), "Customers can ask for their own profile only.");
        world.Answer = await world.Who(customer).AtBank.GetAsync(Part.Users, "/users/me");
    }

    [Step("the profile shows {whose} name and account")]
    public void ProfileShows(string whose) => AssertProfile(world.Who(whose).Username, world.Who(whose).Accounts);

    [Step("the profile shows {whose} name and no account")]
    public void ProfileShowsNoAccount(string whose) => AssertProfile(world.Who(whose).Username, []);

    private void AssertProfile(string username, IEnumerable<long> accounts)
    {
        Assert.That(world.Answer["username"], Is.EqualTo(username));
        Assert.That(world.Answer.Body!["accounts"]!.AsArray().Select(id => id!.GetValue<long>()), Is.EqualTo(accounts));
    }
}
